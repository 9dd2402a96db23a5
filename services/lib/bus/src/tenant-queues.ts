import type { TenantId } from '@im/contract';
import type { KeptDelivery } from './types.ts';

/** A delivery in hand, and where its answer goes. */
export interface HeldDelivery {
  readonly kept: KeptDelivery;
  readonly reply: string;
  readonly bytes: number;
}

export interface TenantQueuesDeps {
  /** Handles and answers deliveries of one tenant. Never rejects. */
  readonly handle: (held: readonly HeldDelivery[]) => Promise<void>;
  /** Answers deliveries that another reader may take at once. */
  readonly giveBack: (held: readonly HeldDelivery[]) => void;
  /** Answers deliveries of a tenant that has too many in hand. */
  readonly refuse: (held: readonly HeldDelivery[]) => void;
  readonly maxBatch: number;
  /** Most deliveries of a tenant that wait while others of it are handled. */
  readonly ahead: () => number;
}

interface Queue {
  readonly running: readonly HeldDelivery[];
  readonly waiting: HeldDelivery[];
}

/** Deliveries in hand of all tenants; the more there are, the less room a single tenant gets. */
const MAX_HELD = 8_000;
const MAX_HELD_BYTES = 64 * 1024 * 1024;
/** Part of the free room that one tenant may fill. */
const SHARE = 4;

/**
 * Deliveries in hand, each tenant's handled one batch after the other and independently of all others: one that
 * hangs keeps its own waiting, up to a share of the room that is free.
 */
export class TenantQueues {
  readonly #deps: TenantQueuesDeps;
  readonly #queues = new Map<TenantId, Queue>();
  #count = 0;
  #bytes = 0;
  #idle = Promise.withResolvers<void>();
  #ending = false;

  constructor(deps: TenantQueuesDeps) {
    this.#deps = deps;
    this.#idle.resolve();
  }

  /** Takes deliveries in hand. */
  add(all: readonly HeldDelivery[]): void {
    for (const [tenant, held] of Map.groupBy(all, ({ kept }) => kept.tenant)) {
      const queue = this.#queues.get(tenant);
      if (queue) this.#wait(queue, held);
      else this.#run(tenant, held);
    }
  }

  /** Resolves when nothing is in hand. */
  get idle(): Promise<void> {
    return this.#idle.promise;
  }

  /** Everything in hand. */
  *held(): Generator<HeldDelivery> {
    for (const { running, waiting } of this.#queues.values()) {
      yield* running;
      yield* waiting;
    }
  }

  /** Gives back what waits; what is being handled goes on. */
  end(): void {
    this.#ending = true;
    for (const { waiting } of this.#queues.values()) this.#endWaiting(waiting);
  }

  #endWaiting(waiting: HeldDelivery[]): void {
    const held = waiting.splice(0);
    this.#tally(held, -1);
    this.#deps.giveBack(held);
  }

  #wait({ waiting }: Queue, held: readonly HeldDelivery[]): void {
    const { ahead, refuse } = this.#deps;
    const free = this.#bytes > MAX_HELD_BYTES ? 0 : Math.ceil((MAX_HELD - this.#count) / SHARE);
    const room = Math.max(0, Math.min(ahead(), free) - waiting.length);
    const taken = held.slice(0, room);
    waiting.push(...taken);
    this.#tally(taken, 1);
    if (held.length > room) refuse(held.slice(room));
  }

  #run(tenant: TenantId, held: readonly HeldDelivery[]): void {
    if (this.#queues.size === 0) this.#idle = Promise.withResolvers();
    this.#tally(held, 1);
    this.#next(tenant, [...held]);
  }

  #next(tenant: TenantId, waiting: HeldDelivery[]): void {
    if (this.#ending) this.#endWaiting(waiting);
    const running = waiting.splice(0, this.#deps.maxBatch);
    if (running.length === 0) {
      this.#queues.delete(tenant);
      if (this.#queues.size === 0) this.#idle.resolve();
      return;
    }
    this.#queues.set(tenant, { running, waiting });
    void this.#deps.handle(running).then(() => {
      this.#tally(running, -1);
      this.#next(tenant, waiting);
    });
  }

  #tally(held: readonly HeldDelivery[], sign: 1 | -1): void {
    this.#count += sign * held.length;
    for (const { bytes } of held) this.#bytes += sign * bytes;
  }
}
