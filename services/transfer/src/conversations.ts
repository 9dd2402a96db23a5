import type { TenantId } from '@im/kit';
import type { Convs, MsgRows } from '@im/store';
import type { Conversation } from './fold.ts';

interface Held extends Conversation {
  /** Number of the last batch that used it. */
  used: number;
}

/** A conversation that a batch needs, and the position of the first record that does. */
export interface Wanted {
  readonly tenant: TenantId;
  readonly conversationID: string;
  readonly position: number;
}

const NOTHING: ReadonlyMap<number, number> = new Map();
const SEPARATOR = '\u001f';

/** Parallel reads of what was counted before, in a replay. */
const REPLAY_READS = 16;

/**
 * The conversations that a lane has in hand. They are read from the database when first wanted and
 * moved on by the fold; those of batches that are fully written are forgotten, oldest first.
 */
export class Conversations {
  readonly #convs: Convs;
  readonly #rows: MsgRows;
  readonly #max: number;
  readonly #held = new Map<string, Held>();
  #batch = 0;

  constructor(convs: Convs, rows: MsgRows, max: number) {
    this.#convs = convs;
    this.#rows = rows;
    this.#max = max;
  }

  get size(): number {
    return this.#held.size;
  }

  /** Reads what is not in hand yet, so that {@link get} finds it. @returns the number of this batch. */
  async load(wanted: Iterable<Wanted>): Promise<number> {
    const batch = ++this.#batch;
    const missing = new Map<TenantId, Map<string, number>>();
    for (const { tenant, conversationID, position } of wanted) {
      const key = tenant + SEPARATOR + conversationID;
      const held = this.#held.get(key);
      if (held) {
        held.used = batch;
        continue;
      }
      const ids = missing.get(tenant) ?? new Map<string, number>();
      missing.set(tenant, ids);
      const first = ids.get(conversationID);
      if (first === undefined || position < first) ids.set(conversationID, position);
    }
    for (const [tenant, ids] of missing) await this.#read(tenant, ids, batch);
    return batch;
  }

  async #read(tenant: TenantId, ids: ReadonlyMap<string, number>, batch: number): Promise<void> {
    const states = await this.#convs.get(tenant, [...ids.keys()]);
    const replayed: [string, number, Held][] = [];
    for (const [id, position] of ids) {
      const state = states.get(id);
      const { max, src, maxTime, deleted } = state ?? { max: 0, src: 0, maxTime: 0 };
      const held: Held = {
        max,
        src,
        maxTime,
        counted: NOTHING,
        used: batch,
        ...(deleted ? { deleted } : {}),
      };
      if (position <= src) replayed.push([id, position, held]);
      this.#held.set(tenant + SEPARATOR + id, held);
    }
    for (let i = 0; i < replayed.length; i += REPLAY_READS) {
      await Promise.all(
        replayed.slice(i, i + REPLAY_READS).map(async ([id, position, held]) => {
          const place = { fromPosition: position, last: held.max };
          const counted = await this.#rows.seqsSince(tenant, id, place);
          this.#held.set(tenant + SEPARATOR + id, { ...held, counted });
        }),
      );
    }
  }

  /** @throws Error for one that was not loaded. */
  get(tenant: TenantId, conversationID: string): Conversation {
    const held = this.#held.get(tenant + SEPARATOR + conversationID);
    if (!held) throw new Error(`conversation ${conversationID} was not loaded`);
    return held;
  }

  /** Forgets what it knows of a tenant's conversations: what the fold made of them may not have been written. */
  forget(tenant: TenantId): void {
    for (const key of this.#held.keys()) if (key.startsWith(tenant + SEPARATOR)) this.#held.delete(key);
  }

  /** Batches up to this one are written: what they alone used may be forgotten. */
  written(batch: number): void {
    if (this.#held.size <= this.#max) return;
    for (const [key, held] of this.#held) {
      if (this.#held.size <= this.#max * 0.9) return;
      if (held.used <= batch) this.#held.delete(key);
    }
  }
}
