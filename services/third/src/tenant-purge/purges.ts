import { TenantPurge, type TenantPurgeReport, tenantId } from '@im/contract';
import { messageOf, sleep, type TenantDirectory } from '@im/kit';
import type { Logger, OpsRequest, OpsResponse, TaskRunner } from '@im/process';
import { type PurgeParts, type PurgeProgress, purgeTenant } from './purge-tenant.ts';

/** What {@link createPurges} needs of its process. */
export interface PurgesDeps extends PurgeParts {
  readonly tenants: Pick<TenantDirectory, 'get' | 'onChange'>;
  readonly tasks: Pick<TaskRunner, 'spawn'>;
  readonly log: Logger;
}

interface Purge {
  state: TenantPurgeReport['state'];
  readonly progress: PurgeProgress;
  failure: string | undefined;
  /** Last request for it, ms on the monotonic clock. */
  askedAt: number;
}

/** A purge that is not asked for within this time stops, ms: the operator may have changed its mind. */
const ABANDONED_MS = 45_000;
const RETRY_MS = 2_000;
/** Purges at the same time. */
const AT_ONCE = 4;
/** What is remembered of purges that have ended. */
const MAX_KNOWN = 1_000;

/** Purges of tenants, each for as long as it is asked for. */
export function createPurges({ tenants, tasks, log, ...parts }: PurgesDeps) {
  const known = new Map<string, Purge>();

  async function run(order: TenantPurge, purge: Purge, signal: AbortSignal): Promise<void> {
    const abandoned = new AbortController();
    const bounded = AbortSignal.any([signal, abandoned.signal]);
    const watch = setInterval(() => {
      if (performance.now() - purge.askedAt > ABANDONED_MS)
        abandoned.abort(new Error('not asked for any more'));
    }, 1_000);
    const tenant = tenantId(order.tenant);
    const unsubscribe = tenants.onChange((id, settings) => {
      if (id === tenant && settings) abandoned.abort(new Error('the tenant is served again'));
    });
    try {
      while (!bounded.aborted) {
        try {
          if (tenants.get(tenant)) throw new Error('the tenant is served again');
          await purgeTenant({ ...order, tenant }, parts, purge.progress, bounded);
          purge.state = 'done';
          log.info({ tenant, removed: purge.progress.removed }, 'tenant purged');
          return;
        } catch (error) {
          if (bounded.aborted) return;
          purge.failure = messageOf(error);
          log.warn(
            { tenant, step: purge.progress.step, err: error },
            'purge of a tenant failed; it is repeated',
          );
          await sleep(RETRY_MS, bounded).catch(() => undefined);
        }
      }
    } finally {
      clearInterval(watch);
      unsubscribe();
      if (purge.state === 'running') known.delete(order.tenant);
    }
  }

  /** `POST /tenants/purge`: begins or continues a purge, and answers how far it is. */
  return function handle({ body }: Pick<OpsRequest, 'body'>): OpsResponse {
    const parsed = TenantPurge.safeParse(asJson(body));
    if (!parsed.success) return { status: 400, body: { error: parsed.error.message } };
    const order = parsed.data;
    if (tenants.get(tenantId(order.tenant))) {
      const error = `tenant ${order.tenant} is served by this process; remove it first`;
      return { status: 409, body: { error } };
    }
    let purge = known.get(order.tenant);
    if (!purge) {
      const removed = { records: 0, documents: 0, keys: 0, objects: 0 };
      const begun: Purge = {
        state: 'running',
        progress: { step: 'log', removed },
        failure: undefined,
        askedAt: performance.now(),
      };
      let refused = false;
      tasks.spawn('tenant-purge', (signal) => run(order, begun, signal), {
        limit: AT_ONCE,
        onRefused: () => {
          refused = true;
        },
      });
      if (refused)
        return { status: 503, body: { error: `${AT_ONCE} tenants are being purged; ask again later` } };
      for (const [id, { state }] of known) {
        if (known.size < MAX_KNOWN) break;
        if (state === 'done') known.delete(id);
      }
      known.set(order.tenant, begun);
      purge = begun;
    }
    purge.askedAt = performance.now();
    const { state, progress, failure } = purge;
    // Data that came later, of a tenant of the same name, is another purge.
    if (state === 'done') known.delete(order.tenant);
    const report: TenantPurgeReport = {
      state,
      step: progress.step,
      removed: { ...progress.removed },
      ...(failure === undefined ? {} : { failure }),
    };
    return { body: report };
  };
}

function asJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
