import type { TenantId, TenantSettings } from '@im/contract';
import { calendarOf, eachLimited, systemContext, type TenantDirectory } from '@im/kit';
import type { Logger } from '@im/process';
import { make } from '@im/protocol';
import type { DomainService } from '@im/rpc';
import type { StatDayRepo } from '@im/store';

export interface OnlineSampleDeps {
  readonly tenants: Pick<TenantDirectory, 'list'>;
  readonly users: Pick<DomainService<'user'>, 'getConnectionCounts'>;
  readonly days: Pick<StatDayRepo, 'raisePeaks'>;
  readonly log: Logger;
  readonly now?: () => number;
}

/** Tenants asked at once. */
const AT_ONCE = 4;
const TIMEOUT_MS = 5_000;

interface Peaks {
  readonly day: number;
  readonly users: number;
  readonly connections: number;
}

/**
 * Looks how many users and connections each tenant has, and notes the most of the day. Gateways have counted them for
 * their heartbeats, so that a look costs no walk over users.
 * @returns one look at all tenants. It never rejects: a tenant that cannot be asked has no sample.
 */
export function sampleOnline(deps: OnlineSampleDeps): (signal: AbortSignal) => Promise<void> {
  const { tenants, users, days, log, now = Date.now } = deps;
  /** What is written already, by tenant. */
  const written = new Map<TenantId, Peaks>();

  async function sample({ id: tenant, statistics }: TenantSettings, signal: AbortSignal): Promise<void> {
    const ctx = systemContext(tenant, '', { timeoutMs: TIMEOUT_MS, signal });
    const { gateways } = await users.getConnectionCounts(ctx, make('user.GetConnectionCountsReq'));
    const day = calendarOf(statistics.timeZone).dayOf(now());
    const known = written.get(tenant);
    const before = known?.day === day ? known : { day, users: 0, connections: 0 };
    let [online, connections] = [0, 0];
    for (const gateway of gateways) {
      online += gateway.users;
      for (const count of Object.values(gateway.platforms)) connections += count;
    }
    if (online <= before.users && connections <= before.connections) return;
    const peaks = {
      day,
      users: Math.max(online, before.users),
      connections: Math.max(connections, before.connections),
    };
    await days.raisePeaks(tenant, peaks);
    written.set(tenant, peaks);
  }

  return async (signal) => {
    const all = tenants.list();
    const ids = new Set(all.map(({ id }) => id));
    for (const id of written.keys()) if (!ids.has(id)) written.delete(id);
    await eachLimited(all, AT_ONCE, async (tenant) => {
      if (signal.aborted) return;
      try {
        await sample(tenant, signal);
      } catch (error) {
        log.debug({ tenant: tenant.id, err: error }, 'connections not sampled');
      }
    });
  };
}
