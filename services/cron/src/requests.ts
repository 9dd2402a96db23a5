import type { TenantId } from '@im/contract';
import type { TenantDirectory } from '@im/kit';
import type { TaskRunner } from '@im/process';
import type { CronRunRepo, LiveRun, RunRequest } from '@im/store';
import type { Schedule } from './run-jobs.ts';

export interface RequestsDeps {
  readonly tasks: TaskRunner;
  readonly tenants: TenantDirectory;
  readonly runs: Pick<CronRunRepo, 'requests' | 'removeRequest' | 'unfinished'>;
  readonly schedule: () => Schedule;
  /** Monotonic clock, ms; for tests. */
  readonly now?: () => number;
}

/** What runs apart from the schedule. */
export interface Requests {
  /** Begins runs that were asked for. */
  take(): Promise<void>;
  /** Repeats runs whose process died in their middle. */
  takeOver(): Promise<void>;
}

/** Requests read at once. */
const PAGE = 100;
/** Runs at once that were asked for, and of one tenant. */
const AT_ONCE = 16;
const TENANT_AT_ONCE = 2;
/** A run whose beat stands still for this long is dead. */
export const DEAD_AFTER_MS = 40_000;
const MAX_UNFINISHED = 1_000;

export function createRequests({ tasks, tenants, runs, schedule, now }: RequestsDeps): Requests {
  const clock = now ?? (() => performance.now());
  const busy = new Map<TenantId, number>();
  /** Runs of all processes, with the time at which their beat was seen first. */
  let seen = new Map<string, LiveRun & { readonly since: number }>();
  const keyOf = ({ job, tenant }: RunRequest) => `${job} ${tenant}`;

  function release(tenant: TenantId): void {
    const left = (busy.get(tenant) ?? 0) - 1;
    if (left > 0) busy.set(tenant, left);
    else busy.delete(tenant);
  }

  /** Begins a run, unless too many run: then it waits for the next time. */
  function start(tenant: TenantId, work: (signal: AbortSignal) => Promise<void>): void {
    const others = busy.get(tenant) ?? 0;
    if (others >= TENANT_AT_ONCE) return;
    busy.set(tenant, others + 1);
    const run = (signal: AbortSignal) => work(signal).finally(() => release(tenant));
    tasks.spawn('cron-request', run, { limit: AT_ONCE, onRefused: () => release(tenant) });
  }

  return {
    async take() {
      for (const request of await runs.requests(PAGE)) {
        const settings = tenants.get(request.tenant);
        if (!settings || !schedule().has(request.job)) {
          await runs.removeRequest(request);
          continue;
        }
        const onClaimed = () => runs.removeRequest(request);
        start(request.tenant, (signal) => schedule().run(request.job, settings, signal, { onClaimed }));
      }
    },
    async takeOver() {
      const before = seen;
      seen = new Map();
      for (const { job, tenant, owner, beat } of await runs.unfinished(MAX_UNFINISHED)) {
        const known = before.get(keyOf({ job, tenant }));
        const same = known?.owner === owner && known.beat === beat;
        const since = same ? known.since : clock();
        seen.set(keyOf({ job, tenant }), { owner, beat, since });
        const settings = tenants.get(tenant);
        if (!settings || clock() - since < DEAD_AFTER_MS) continue;
        start(tenant, (signal) => schedule().run(job, settings, signal, { dead: { owner, beat } }));
      }
    },
  };
}
