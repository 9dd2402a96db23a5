import type { TenantId } from '@im/contract';
import type { Counter } from '@im/kit';
import type { Logger } from '@im/process';
import type { WebhookDeliveryRepo } from '@im/store';

export interface StoreBoundsDeps {
  readonly repo: WebhookDeliveryRepo;
  readonly dropped: Counter<'reason'>;
  readonly log: Logger;
  /** For tests. @default 50,000 deliveries and 512 MiB */
  readonly most?: { readonly deliveries: number; readonly bytes: number };
}

const MOST = { deliveries: 50_000, bytes: 536_870_912 };
/** Dead deliveries are kept this long. */
const DEAD_MS = 14 * 24 * 3_600_000;

/** Keeps what a tenant has stored within bounds: the oldest dead deliveries go first, then the oldest that wait. */
export class StoreBounds {
  readonly #deps: StoreBoundsDeps;
  readonly #changed = new Set<TenantId>();

  constructor(deps: StoreBoundsDeps) {
    this.#deps = deps;
  }

  /** The tenant is to be looked at: it has more stored, or older deliveries. */
  added(tenant: TenantId): void {
    this.#changed.add(tenant);
  }

  /** Removes what tenants have too much of. */
  async enforce(): Promise<void> {
    for (const tenant of [...this.#changed]) {
      this.#changed.delete(tenant);
      try {
        await this.#enforce(tenant);
      } catch (error) {
        this.#changed.add(tenant);
        this.#deps.log.warn({ tenant, err: error }, 'stored webhook deliveries could not be counted');
      }
    }
  }

  async #enforce(tenant: TenantId): Promise<void> {
    const { repo, dropped, log, most = MOST } = this.#deps;
    const expired = await repo.removeDeadBefore(tenant, Date.now() - DEAD_MS);
    if (expired > 0) dropped.inc({ reason: 'expired' }, expired);
    const { waiting, dead } = await repo.usage(tenant);
    let deliveries = waiting.deliveries + dead.deliveries;
    let bytes = waiting.bytes + dead.bytes;
    let removed = 0;
    for (const state of ['dead', 'waiting'] as const) {
      while (deliveries > most.deliveries || bytes > most.bytes) {
        const gone = await repo.removeOldest(tenant, state);
        if (gone.deliveries === 0) break;
        deliveries -= gone.deliveries;
        bytes -= gone.bytes;
        removed += gone.deliveries;
      }
    }
    if (removed === 0) return;
    dropped.inc({ reason: 'full' }, removed);
    log.error(
      { tenant, removed },
      'too many webhook deliveries of a tenant are stored; the oldest were removed',
    );
  }
}
