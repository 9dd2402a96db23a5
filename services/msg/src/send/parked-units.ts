import type { TenantId } from '@im/contract';
import { KEY_SEPARATOR } from '@im/kit';
import { ERR, ImError, queueKey, type sdkws } from '@im/protocol';
import type { ParkedRecordRepo } from '@im/store';

/**
 * The tenants and conversations whose records transfer has parked, as of the last poll. Their messages are refused,
 * which bounds the backlog.
 */
export interface ParkedUnits {
  /** @throws ImError 90004 (retryable) while records of the tenant with the queue key of this message are parked. */
  check(tenant: TenantId, message: sdkws.MsgData): void;
  /** Reads them again. */
  poll(): Promise<void>;
}

const keyOf = (tenant: TenantId, conversation: string) => `${tenant}${KEY_SEPARATOR}${conversation}`;

/** Before the first poll none are known to be parked. */
export function parkedUnits(repo: Pick<ParkedRecordRepo, 'markers'>): ParkedUnits {
  let parked: ReadonlySet<string> = new Set();
  return {
    check(tenant, message) {
      if (parked.size === 0) return;
      if (parked.has(keyOf(tenant, ''))) {
        throw new ImError(
          ERR.NetworkError,
          `messages of tenant ${tenant} are parked, as they cannot be stored now; try again later`,
        );
      }
      if (parked.has(keyOf(tenant, queueKey(message)))) {
        throw new ImError(
          ERR.NetworkError,
          'messages of this conversation are parked, as they cannot be stored now; try again later',
        );
      }
    },
    async poll() {
      const markers = await repo.markers();
      parked = new Set(markers.map(({ tenant, conversation }) => keyOf(tenant, conversation)));
    },
  };
}
