/** A delivery that one record of the log has claimed. */
export interface Claim {
  /** It was taken or stored: other records with the same message are not reported. */
  done(): void;
  /** It comes again. */
  release(): void;
}

/** Ids that are remembered at least; up to twice as many are. */
const REMEMBERED = 20_000;

/**
 * Ids of deliveries under way and of those that ended lately, in this process: a message may be in the log twice, and a record
 * may come again for one of its events alone.
 */
export class RecentDeliveries {
  readonly #remembered: number;
  readonly #underWay = new Set<string>();
  #ended = new Set<string>();
  #endedBefore = new Set<string>();

  /** @param remembered @default 20000 */
  constructor(remembered = REMEMBERED) {
    this.#remembered = remembered;
  }

  claim(id: string): Claim | 'under way' | 'ended' {
    if (this.#underWay.has(id)) return 'under way';
    if (this.#ended.has(id) || this.#endedBefore.has(id)) return 'ended';
    this.#underWay.add(id);
    return {
      done: () => {
        this.#underWay.delete(id);
        this.#ended.add(id);
        if (this.#ended.size < this.#remembered) return;
        this.#endedBefore = this.#ended;
        this.#ended = new Set();
      },
      release: () => void this.#underWay.delete(id),
    };
  }
}
