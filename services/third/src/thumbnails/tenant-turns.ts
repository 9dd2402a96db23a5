import type { TenantId } from '@im/contract';

/** Options of {@link TenantTurns}. */
export interface TurnOptions<S> {
  /** What works, one piece of work at a time each. */
  readonly slots: readonly S[];
  /** Most pieces of work of all tenants, and of one tenant, that wait. */
  readonly maxWaiting: number;
  readonly maxWaitingPerTenant: number;
}

interface Line<S> {
  running: number;
  readonly waiting: ((slot: S) => Promise<void>)[];
}

/**
 * Lets tenants work in turns: of two slots or more, one tenant never has all, so that its slow work delays no other's, and
 * with more work than slots each tenant gets the next one in turn.
 */
export class TenantTurns<S> {
  readonly #options: TurnOptions<S>;
  readonly #free: S[];
  readonly #perTenant: number;
  /** The tenant whose turn it is comes first. */
  readonly #lines = new Map<TenantId, Line<S>>();
  #waiting = 0;

  constructor(options: TurnOptions<S>) {
    this.#options = options;
    this.#free = [...options.slots];
    this.#perTenant = Math.max(1, options.slots.length - 1);
  }

  /** Pieces of work that wait. */
  get waiting(): number {
    return this.#waiting;
  }

  /**
   * Does `work`, which must not reject, when it is the tenant's turn.
   * @returns false when too much waits already: it is then not done.
   */
  add(tenant: TenantId, work: (slot: S) => Promise<void>): boolean {
    const line = this.#lines.get(tenant) ?? { running: 0, waiting: [] };
    const { maxWaiting, maxWaitingPerTenant } = this.#options;
    if (this.#waiting >= maxWaiting || line.waiting.length >= maxWaitingPerTenant) return false;
    this.#lines.set(tenant, line);
    line.waiting.push(work);
    this.#waiting++;
    this.#next();
    return true;
  }

  #next(): void {
    for (const [tenant, line] of this.#lines) {
      if (this.#free.length === 0) return;
      if (line.running >= this.#perTenant) continue;
      const work = line.waiting.shift();
      if (!work) continue;
      this.#waiting--;
      line.running++;
      // To the end: the others come first now.
      this.#lines.delete(tenant);
      this.#lines.set(tenant, line);
      void this.#run(tenant, line, this.#free.shift() as S, work);
    }
  }

  async #run(tenant: TenantId, line: Line<S>, slot: S, work: (slot: S) => Promise<void>): Promise<void> {
    try {
      await work(slot);
    } finally {
      line.running--;
      // Behind those who came while it worked.
      this.#lines.delete(tenant);
      if (line.running > 0 || line.waiting.length > 0) this.#lines.set(tenant, line);
      this.#free.push(slot);
      this.#next();
    }
  }
}
