import type { ServerConfig, TenantSettings } from '@im/contract';
import { ERR, ImError } from '@im/protocol';
import type { CallContext } from './context.ts';
import { KEY_SEPARATOR } from './keys.ts';
import type { Metrics } from './metrics.ts';
import type { TenantDirectory } from './tenant-directory.ts';
import { tenantRefusals } from './tenant-refusals.ts';
import { KeyedBuckets } from './token-bucket.ts';

/** Most users whose rates are remembered, by limit and process. */
const MAX_KEYS = 100_000;

type Limits = ServerConfig['limits'];
type UserLimits = TenantSettings['userLimits'] | undefined;

/** What a limit says now: of the tenant where it says something, else of the cluster. */
const LIMITS = {
  userChanges: {
    what: 'too many changes by this user',
    rate: ({ userChanges }: Limits, own: UserLimits) => ({
      ratePerSecond: own?.changesPerSecond ?? userChanges.perSecond,
      burst: own?.changeBurst ?? userChanges.burst,
    }),
  },
  profileChanges: {
    what: 'too many changes by this user that others hear of',
    rate: ({ profileChanges }: Limits, own: UserLimits) => ({
      ratePerSecond: (own?.profileChangesPerMinute ?? profileChanges.perMinute) / 60,
      burst: own?.profileChangeBurst ?? profileChanges.burst,
    }),
  },
  mentionAll: {
    what: 'too many messages of this user that mention all members of this group',
    rate: ({ mentionAll }: Limits, own: UserLimits) => ({
      ratePerSecond: (own?.mentionAllPerMinute ?? mentionAll.perMinute) / 60,
      burst: own?.mentionAllBurst ?? mentionAll.burst,
    }),
  },
} as const;

/** Limits of what one user may do, other than send messages; the name is a key of `limits` in the config. */
export type UserLimitName = keyof typeof LIMITS;

/** What {@link createUserLimit} needs. */
export interface UserLimitDeps {
  readonly tenants: TenantDirectory;
  readonly metrics: Metrics;
  /** The limits of the cluster, as they are now. */
  readonly limits: () => Limits;
  /** Which part of a process keeps the limit, where several do: a word of the metric's name. */
  readonly part?: string;
  /** Monotonic clock in ms; for tests. */
  readonly now?: () => number;
}

/** One limit, which each process keeps for itself. */
export interface UserLimit {
  /**
   * Takes one of the user's budget. Administrators and the server itself have no limit.
   * @param of what the budget is for, where a user has several, such as a group.
   * @throws ImError TooManyRequests (429, retryable), naming the limit.
   */
  take(ctx: Pick<CallContext, 'tenant' | 'opUserID' | 'opAdmin'>, of?: string): void;
}

/** A limit by its name. */
export function createUserLimit(
  name: UserLimitName,
  { tenants, metrics, limits, part, now }: UserLimitDeps,
): UserLimit {
  const { what, rate } = LIMITS[name];
  const buckets = new KeyedBuckets({ max: MAX_KEYS, ...(now && { now }) });
  const refused = metrics.counter('openim_user_limited_total', 'Requests refused by a limit of their user', [
    'limit',
  ]);
  metrics.observe(
    `openim_user_limit_${name.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`)}${part === undefined ? '' : `_${part}`}_keys`,
    'Budgets that are remembered',
    () => buckets.size,
  );
  const refusals = tenantRefusals(metrics);
  return {
    take({ tenant, opUserID, opAdmin }, of = '') {
      if (opAdmin || opUserID === '') return;
      const key = tenant + KEY_SEPARATOR + opUserID + KEY_SEPARATOR + of;
      if (buckets.take(key, rate(limits(), tenants.get(tenant)?.userLimits))) return;
      refused.inc({ limit: `limits.${name}` });
      refusals.note(tenant, 'userLimits');
      throw new ImError(ERR.TooManyRequests, `${what} (limits.${name}); try again later`);
    },
  };
}
