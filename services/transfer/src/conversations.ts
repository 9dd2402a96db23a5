import type { TenantId } from '@im/contract';
import { KEY_SEPARATOR } from '@im/kit';
import type { ConversationSeqs, MsgRows } from '@im/store';
import { Counted } from './counted.ts';
import { LOOK_BACK_MS } from './dedup-restore.ts';
import type { Conversation } from './fold.ts';
import { epochOf } from './log-epoch.ts';

interface Held extends Conversation {
  /** Number of the last batch that used it. */
  used: number;
}

/** The place in the log of the first record that needs a conversation. */
interface Place {
  readonly position: number;
  readonly timeMs: number;
}

/** A conversation that a batch needs, and where. */
export interface Wanted extends Place {
  readonly tenant: TenantId;
  readonly conversationID: string;
}

/** Parallel reads of what was counted before, in a replay. */
const REPLAY_READS = 16;

/**
 * The conversations that a consumer has in hand. They are read from the database when first wanted and
 * moved on as the log is folded; those of batches that are fully written are forgotten, oldest first.
 */
export class Conversations {
  readonly #conversationSeqs: ConversationSeqs;
  readonly #rows: MsgRows;
  readonly #max: number;
  readonly #held = new Map<string, Held>();
  #batch = 0;

  constructor(conversationSeqs: ConversationSeqs, rows: MsgRows, max: number) {
    this.#conversationSeqs = conversationSeqs;
    this.#rows = rows;
    this.#max = max;
  }

  get size(): number {
    return this.#held.size;
  }

  /** Reads what is not in hand yet, so that {@link get} finds it. @returns the number of this batch. */
  async load(wanted: Iterable<Wanted>): Promise<number> {
    const batch = ++this.#batch;
    const missing = new Map<TenantId, Map<string, Place>>();
    for (const place of wanted) {
      const { tenant, conversationID } = place;
      const key = tenant + KEY_SEPARATOR + conversationID;
      const held = this.#held.get(key);
      if (held) {
        held.used = batch;
        continue;
      }
      const ids = missing.get(tenant) ?? new Map<string, Place>();
      missing.set(tenant, ids);
      const first = ids.get(conversationID);
      if (first === undefined || place.position < first.position) ids.set(conversationID, place);
    }
    for (const [tenant, ids] of missing) await this.#read(tenant, ids, batch);
    return batch;
  }

  async #read(tenant: TenantId, ids: ReadonlyMap<string, Place>, batch: number): Promise<void> {
    const states = await this.#conversationSeqs.get(tenant, [...ids.keys()]);
    const replayed: [string, Place, Held][] = [];
    for (const [id, place] of ids) {
      const state = states.get(id);
      const { max, src, maxTime, deleted } = state ?? { max: 0, src: 0, maxTime: 0 };
      const held: Held = {
        max,
        src,
        maxTime,
        counted: undefined,
        used: batch,
        ...(deleted ? { deleted } : {}),
      };
      if (isReplay(place, held)) replayed.push([id, place, held]);
      this.#held.set(tenant + KEY_SEPARATOR + id, held);
    }
    for (let i = 0; i < replayed.length; i += REPLAY_READS) {
      await Promise.all(
        replayed.slice(i, i + REPLAY_READS).map(async ([id, { position, timeMs }, held]) => {
          const epoch = epochOf(position);
          const rows = await this.#rows.countedSince(tenant, id, {
            fromPosition: position,
            // What was counted in an earlier epoch has positions of that.
            ...(epoch > 0 && { fromTimeMs: timeMs - LOOK_BACK_MS }),
            last: held.max,
          });
          const counted = new Counted(id, held.src, epoch, rows);
          this.#held.set(tenant + KEY_SEPARATOR + id, { ...held, counted });
        }),
      );
    }
  }

  /** @throws Error for one that was not loaded. */
  get(tenant: TenantId, conversationID: string): Conversation {
    const held = this.#held.get(tenant + KEY_SEPARATOR + conversationID);
    if (!held) throw new Error(`conversation ${conversationID} was not loaded`);
    return held;
  }

  /** Forgets what it knows of a tenant's conversations: what was counted of them may not have been written. */
  forget(tenant: TenantId): void {
    for (const key of this.#held.keys()) if (key.startsWith(tenant + KEY_SEPARATOR)) this.#held.delete(key);
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

/** Whether the record at a place may have been counted before: in this epoch, or in an earlier one. */
function isReplay({ position, timeMs }: Place, { src, maxTime }: Conversation): boolean {
  if (position <= src) return true;
  return src > 0 && epochOf(src) < epochOf(position) && timeMs <= maxTime + LOOK_BACK_MS;
}
