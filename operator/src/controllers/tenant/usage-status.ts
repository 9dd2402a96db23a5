import type { TenantFigures } from '@im/contract';
import { type Condition, type ConditionUpdate, setCondition, timestamp } from '@im/kube';
import type {
  OpenIMTenantQuotas,
  OpenIMTenantStatusUsage as OpenIMTenantUsage,
} from '../../gen/openimtenant.ts';

/** What a look found of one tenant. */
export interface LookedUsage {
  readonly at: Date;
  readonly figures: TenantFigures;
  /** Requests refused today; of processes of earlier versions as far as this operator saw it. */
  readonly throttled: number;
  /** Limits that refused something since the look before. */
  readonly refusing: ReadonlySet<string>;
}

/** Shortest time between two writes of figures that moved, ms: a thousand busy tenants cause three writes a second. */
const WRITE_MS = 300_000;
/** Significant digits of the figures. */
const DIGITS = 2;
/** Share of a quota below which it is not used up any more. */
const FREE_SHARE = 0.95;

/** The quotas that a status has figures for. */
const QUOTAS = ['users', 'connections', 'storageBytes'] as const;
type Quota = (typeof QUOTAS)[number];

const REMEDIES: Readonly<Record<Quota, string>> = {
  users: 'delete users',
  connections: 'close connections',
  storageBytes: 'delete objects',
};

/** Figures of a tenant as its status shows them. */
export interface ShownUsage {
  readonly usage: OpenIMTenantUsage | undefined;
  /** Undefined leaves the condition as it is. */
  readonly condition: ConditionUpdate | undefined;
}

/**
 * The usage to show: rounded, and changed at most every five minutes unless a quota is used up, is free again, or
 * was changed. So statuses do not flip with every login.
 */
export function shownUsage(
  before: OpenIMTenantUsage | undefined,
  conditions: readonly Condition[],
  looked: LookedUsage | undefined,
  {
    quotas = {},
    generation,
  }: { readonly quotas?: OpenIMTenantQuotas | undefined; readonly generation: number },
): ShownUsage {
  if (!looked) return { usage: before, condition: undefined };
  const known = conditions.find(({ type }) => type === 'QuotaExceeded');
  const wasExceeded = (quota: Quota) =>
    known?.status === 'True' && known.message.includes(`quotas.${quota} `);
  const exceeded = QUOTAS.filter((quota) => {
    const most = quotas[quota] ?? 0;
    const used = looked.figures[quota];
    if (most === 0 || used === undefined) return false;
    return used >= most || looked.refusing.has(quota) || (wasExceeded(quota) && used >= most * FREE_SHARE);
  });
  const usage = usageOf(looked);
  const limits = Object.fromEntries(
    QUOTAS.flatMap((quota) => (quotas[quota] ? [[quota, quotas[quota]]] : [])),
  );
  const next: OpenIMTenantUsage = { ...usage, ...(Object.keys(limits).length > 0 ? { quotas: limits } : {}) };
  const isDue =
    before === undefined ||
    exceeded.some((quota) => !wasExceeded(quota)) ||
    QUOTAS.some((quota) => wasExceeded(quota) && !exceeded.includes(quota)) ||
    JSON.stringify(before.quotas ?? {}) !== JSON.stringify(limits) ||
    (looked.at.getTime() - Date.parse(before.observedAt) >= WRITE_MS && differs(before, next));
  return { usage: isDue ? next : before, condition: conditionOf(exceeded, quotas, generation) };
}

/** Adds the condition QuotaExceeded. */
export function withQuotas(
  conditions: readonly Condition[],
  update: ConditionUpdate | undefined,
  now: Date,
): Condition[] {
  return update ? setCondition([...conditions], update, now) : [...conditions];
}

function usageOf({ at, figures, throttled }: LookedUsage): OpenIMTenantUsage {
  const { users, connections, messagesToday, messagesYesterday, storageBytes } = figures;
  const given = {
    users,
    connections,
    messagesToday,
    messagesYesterday,
    storageBytes,
    throttledToday: throttled,
    throttledYesterday: figures.throttledYesterday,
  };
  const rounded = Object.entries(given).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, rounded2(value)]],
  );
  return { observedAt: timestamp(at), ...Object.fromEntries(rounded) };
}

/** Of two significant digits: 12,345 is shown as 12,000, figures below 100 as they are. */
function rounded2(value: number): number {
  return Number(value.toPrecision(DIGITS));
}

function differs(
  { observedAt: _, ...a }: OpenIMTenantUsage,
  { observedAt: __, ...b }: OpenIMTenantUsage,
): boolean {
  const names = new Set([...Object.keys(a), ...Object.keys(b)]) as Set<keyof typeof a>;
  return [...names].some((name) => JSON.stringify(a[name]) !== JSON.stringify(b[name]));
}

function conditionOf(
  exceeded: readonly Quota[],
  quotas: OpenIMTenantQuotas,
  observedGeneration: number,
): ConditionUpdate {
  const type = 'QuotaExceeded';
  const [first] = exceeded;
  if (first === undefined) {
    const message = 'No quota of users, connections or storage is used up.';
    return { type, status: 'False', reason: 'WithinQuotas', message, observedGeneration };
  }
  const reasons: Readonly<Record<Quota, string>> = {
    users: 'Users',
    connections: 'Connections',
    storageBytes: 'Storage',
  };
  const parts = exceeded.map(
    (quota) =>
      `quotas.${quota} (${quotas[quota]}) is used up: raise spec.quotas.${quota}, or ${REMEDIES[quota]}`,
  );
  return {
    ...{ type, status: 'True', observedGeneration },
    reason: exceeded.length === 1 ? reasons[first] : 'Several',
    message: `${parts.join('; ')}. More is refused meanwhile.`,
  } as ConditionUpdate;
}
