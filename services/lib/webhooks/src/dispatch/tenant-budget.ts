import type { TenantId } from '@im/contract';

/** What a process has in hand, of one tenant or of all. */
interface Amount {
  readonly items: number;
  readonly bytes: number;
}

/** Part of the free budget that one tenant may fill: one of so many. */
const SHARE = 2;
/** Items that are asked for even when the budget is full, so that tenants with nothing in hand get their turn. */
const LEAST_ROOM = 20;
const NOTHING: Amount = { items: 0, bytes: 0 };

/**
 * Bounds what a process has in hand. The more that is, the smaller is the share of a single tenant, but never less than one
 * item: however many of them stand still, others have their turn.
 */
export class TenantBudget {
  readonly #most: Amount;
  readonly #byTenant = new Map<TenantId, Amount>();
  #all = NOTHING;

  constructor(most: Amount) {
    this.#most = most;
  }

  /** Items in hand. */
  get items(): number {
    return this.#all.items;
  }

  /** Items that may be asked for; none while there are too many bytes. */
  get room(): number {
    return this.#all.bytes > this.#most.bytes ? 0 : Math.max(LEAST_ROOM, this.#most.items - this.#all.items);
  }

  /**
   * Takes an item in hand. A tenant that has nothing in hand is never refused.
   * @returns whether it was taken; false when the tenant has its share.
   */
  take(tenant: TenantId, bytes: number): boolean {
    const own = this.#byTenant.get(tenant) ?? NOTHING;
    const [most, all] = [this.#most, this.#all];
    const isFull = own.items * SHARE >= most.items - all.items || own.bytes * SHARE >= most.bytes - all.bytes;
    if (own.items > 0 && isFull) return false;
    this.#add(tenant, own, 1, bytes);
    return true;
  }

  /** Gives back what was taken. */
  release(tenant: TenantId, bytes: number): void {
    this.#add(tenant, this.#byTenant.get(tenant) ?? NOTHING, -1, -bytes);
  }

  #add(tenant: TenantId, own: Amount, items: number, bytes: number): void {
    const left = sum(own, items, bytes);
    if (left.items === 0) this.#byTenant.delete(tenant);
    else this.#byTenant.set(tenant, left);
    this.#all = sum(this.#all, items, bytes);
  }
}

function sum(amount: Amount, items: number, bytes: number): Amount {
  return { items: amount.items + items, bytes: amount.bytes + bytes };
}
