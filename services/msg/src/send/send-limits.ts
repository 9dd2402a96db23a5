import type { ServerConfig } from '@im/contract';
import {
  type CallContext,
  KEY_SEPARATOR,
  KeyedBuckets,
  type Metrics,
  type TenantDirectory,
  tenantRefusals,
} from '@im/kit';
import { ERR, ImError } from '@im/protocol';

/** Most users and tenants whose rates are remembered. */
const MAX_KEYS = 100_000;

/** What {@link createSendLimits} needs. */
export interface SendLimitsDeps {
  readonly tenants: TenantDirectory;
  readonly metrics: Metrics;
  /** The limits of the cluster, as they are now. */
  readonly limits: () => ServerConfig['limits'];
  /** Monotonic clock in ms; for tests. */
  readonly now?: () => number;
}

/** The rates of messages: what comes over WebSocket and over HTTP meets here. */
export interface SendLimits {
  /**
   * Takes one message of its sender's and its tenant's budgets. Administrators have no separate budget; their
   * messages count for the tenant.
   * @throws ImError TooManyRequests (429, retryable), naming the limit.
   */
  take(ctx: Pick<CallContext, 'tenant' | 'opUserID' | 'opAdmin'>, bytes: number): void;
}

/** The limits of a process, which each process of msg keeps for itself. */
export function createSendLimits({ tenants, metrics, limits, now }: SendLimitsDeps): SendLimits {
  const options = { max: MAX_KEYS, ...(now && { now }) };
  const messages = new KeyedBuckets(options);
  const bytesOf = new KeyedBuckets(options);
  const ofTenant = new KeyedBuckets(options);
  const refused = metrics.counter('openim_msg_limited_total', 'Messages refused by a rate', ['limit']);
  const refusals = tenantRefusals(metrics);
  metrics.observe('openim_msg_limited_users', 'Users whose rates are remembered', () => messages.size);

  function refuse(limit: string, detail: string): never {
    refused.inc({ limit });
    throw new ImError(ERR.TooManyRequests, `${detail} (${limit}); try again later`);
  }

  return {
    take({ tenant, opUserID, opAdmin }, bytes) {
      const settings = tenants.get(tenant);
      const ratePerSecond = settings?.quotas.messagesPerSecond ?? 0;
      if (!ofTenant.take(tenant, { ratePerSecond, burst: ratePerSecond })) {
        refusals.note(tenant, 'messagesPerSecond');
        refuse('quotas.messagesPerSecond', `too many messages of tenant ${tenant}`);
      }
      if (opAdmin) return;
      const { userMessages, userBytes } = limits();
      const own = settings?.userLimits;
      const key = tenant + KEY_SEPARATOR + opUserID;
      const counts = {
        ratePerSecond: own?.messagesPerSecond ?? userMessages.perSecond,
        burst: own?.messageBurst ?? userMessages.burst,
      };
      if (!messages.take(key, counts)) {
        refusals.note(tenant, 'userLimits');
        refuse('limits.userMessages', 'too many messages of this user');
      }
      const sizes = {
        ratePerSecond: own?.bytesPerSecond ?? userBytes.perSecond,
        burst: own?.byteBurst ?? userBytes.burst,
      };
      if (!bytesOf.take(key, sizes, bytes)) {
        refusals.note(tenant, 'userLimits');
        refuse('limits.userBytes', 'too many bytes of this user');
      }
    },
  };
}
