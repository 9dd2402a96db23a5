import { type TenantFigures, type TenantRefusalsReport, USAGE_PAGE } from '@im/contract';
import { eachLimited, type Metrics } from '@im/kit';
import type { Logger } from '@im/process';
import type { ProcessApi } from '../cluster/observation/process-api.ts';
import type { RunningProcess } from '../cluster/observation/reports.ts';
import type { LookedUsage } from './usage-status.ts';

/** Interval between looks at the usage of the tenants of a cluster, ms. */
export const USAGE_MS = 60_000;
/** Age from which figures are not shown as new any more, ms. */
const FRESH_MS = 3 * USAGE_MS;
/** Processes asked at once for what they refused. */
const PARALLEL = 8;
/** Most pages of one look. */
const MAX_PAGES = 100;
/** Roles whose processes know what all tenants use. */
const KNOWING_ROLES: ReadonlySet<string> = new Set(['rpc', 'user', 'all']);
const DAY_MS = 86_400_000;

/** What is asked of processes. */
export type UsageApi = Pick<ProcessApi, 'tenantUsage' | 'tenantRefusals'>;

interface Counted {
  /** UTC day, since 1970. */
  day: number;
  throttled: number;
  /** Limits that refused something since the look before. */
  limits: ReadonlySet<string>;
}

interface Subject {
  at: number;
  figures: ReadonlyMap<string, TenantFigures>;
  /** What each process had refused at the last look, by instance, tenant and limit. */
  seen: ReadonlyMap<string, TenantRefusalsReport['refused']>;
  readonly counted: Map<string, Counted>;
}

/**
 * What the tenants of clusters use, by one bulk answer of one process, and what limits refused, by one answer of each.
 * A thousand tenants cost as many requests as one.
 */
export class TenantUsage {
  readonly #processes: UsageApi;
  readonly #log: Logger;
  readonly #looks: (result: 'complete' | 'failed') => void;
  readonly #subjects = new Map<string, Subject>();

  constructor(processes: UsageApi, log: Logger, metrics: Metrics) {
    this.#processes = processes;
    this.#log = log;
    const looks = metrics.counter(
      'openim_operator_tenant_usage_looks_total',
      'Looks at what the tenants of a cluster use, by result',
      ['result'],
    );
    this.#looks = (result) => looks.inc({ result });
  }

  /** Asks the processes of a cluster. @returns whether they answered; what they said before is kept otherwise. */
  async look(
    cluster: string,
    processes: readonly RunningProcess[],
    key: string,
    signal: AbortSignal,
    now = Date.now(),
  ): Promise<boolean> {
    const knowing = processes.find(({ report }) =>
      report?.status.roles.some((role) => KNOWING_ROLES.has(role)),
    );
    if (!knowing) return false;
    const before = this.#subjects.get(cluster);
    try {
      const figures = await this.#figures({ host: knowing.host, key }, signal);
      const counted = before?.counted ?? new Map<string, Counted>();
      const seen = await this.#refusals(processes, key, before, counted, { now, signal });
      for (const id of counted.keys()) if (!figures.has(id)) counted.delete(id);
      this.#subjects.set(cluster, { at: now, figures, seen, counted });
      this.#looks('complete');
      return true;
    } catch (error) {
      signal.throwIfAborted();
      this.#looks('failed');
      // Processes of a version before this question answer 404.
      this.#log.debug({ cluster, err: error }, 'usage of tenants was not read');
      return false;
    }
  }

  /** What is known of a tenant; undefined before the first look, and when the last one is too old. */
  of(cluster: string, id: string, now = Date.now()): LookedUsage | undefined {
    const subject = this.#subjects.get(cluster);
    const figures = subject?.figures.get(id);
    if (!subject || !figures || now - subject.at > FRESH_MS) return undefined;
    const counted = subject.counted.get(id);
    const isToday = counted?.day === dayOf(now);
    return {
      at: new Date(subject.at),
      figures,
      throttled: figures.throttledToday ?? (isToday ? counted.throttled : 0),
      refusing: counted?.limits ?? new Set(),
    };
  }

  /** Whether there was a look at this cluster. */
  knows(cluster: string): boolean {
    return this.#subjects.has(cluster);
  }

  forget(cluster: string): void {
    this.#subjects.delete(cluster);
  }

  async #figures(
    at: { readonly host: string; readonly key: string },
    signal: AbortSignal,
  ): Promise<Map<string, TenantFigures>> {
    const figures = new Map<string, TenantFigures>();
    let after: string | undefined;
    for (let i = 0; i < MAX_PAGES; i++) {
      const page = await this.#processes.tenantUsage(at, after === undefined ? {} : { after }, signal);
      for (const each of page.tenants.slice(0, USAGE_PAGE)) figures.set(each.id, each);
      if (page.next === undefined) break;
      after = page.next;
    }
    return figures;
  }

  /** Adds what was refused since the look before. A process that is silent is counted at a later look. */
  async #refusals(
    processes: readonly RunningProcess[],
    key: string,
    before: Subject | undefined,
    counted: Map<string, Counted>,
    { now, signal }: { readonly now: number; readonly signal: AbortSignal },
  ): Promise<Map<string, TenantRefusalsReport['refused']>> {
    const seen = new Map<string, TenantRefusalsReport['refused']>();
    const limits = new Map<string, Set<string>>();
    const add = (id: string, limit: string, count: number) => {
      if (count <= 0) return;
      const known = counted.get(id);
      const day = dayOf(now);
      const throttled = (known?.day === day ? known.throttled : 0) + count;
      counted.set(id, { day, throttled, limits: new Set() });
      limits.set(id, (limits.get(id) ?? new Set()).add(limit));
    };
    await eachLimited(processes, PARALLEL, async ({ host, report, pod }) => {
      let answer: TenantRefusalsReport;
      try {
        answer = await this.#processes.tenantRefusals({ host, key }, signal);
      } catch (error) {
        signal.throwIfAborted();
        this.#log.debug({ pod, err: error }, 'refusals of a process were not read');
        const { instance = '' } = report?.status ?? {};
        const last = before?.seen.get(instance);
        if (last) seen.set(instance, last);
        return;
      }
      seen.set(answer.instance, answer.refused);
      const last = before?.seen.get(answer.instance);
      // At the first look of this operator nothing says when it was refused.
      if (!before) return;
      for (const [id, byLimit] of Object.entries(answer.refused))
        for (const [limit, count] of Object.entries(byLimit))
          add(id, limit, count - (last?.[id]?.[limit] ?? 0));
    });
    for (const [id, known] of counted) known.limits = limits.get(id) ?? new Set();
    return seen;
  }
}

function dayOf(ms: number): number {
  return Math.floor(ms / DAY_MS);
}
