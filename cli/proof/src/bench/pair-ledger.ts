type State = 'sent' | 'acknowledged' | 'arrived';

/** What an arrival was: in its place, after one that was sent later, or a copy. */
export type Arrival = 'in order' | 'reordered' | 'doubled';

/**
 * Numbered messages from one user to another, decided as they pass: memory holds those under way alone, so that a
 * load may run for as long as it likes. A message is settled, and forgotten, once it was refused, or was both
 * acknowledged and delivered.
 */
export class PairLedger {
  readonly #open = new Map<number, State>();
  #sent = 0;
  #highest = 0;
  #lastSeq = 0;
  /** Arrivals whose seq does not follow the one before it. */
  seqGaps = 0;
  /** Seq of the first arrival, 0 before it. */
  firstSeq = 0;

  /** Number of the next message, from 1. */
  send(): number {
    this.#sent += 1;
    this.#open.set(this.#sent, 'sent');
    return this.#sent;
  }

  acknowledge(number: number): void {
    if (this.#open.get(number) === 'arrived') this.#open.delete(number);
    else this.#open.set(number, 'acknowledged');
  }

  /** The server refused it: it must never arrive, and counts as doubled when it does. */
  refuse(number: number): void {
    this.#open.delete(number);
  }

  arrive(number: number, seq: number): Arrival {
    const state = this.#open.get(number);
    if (state === undefined || state === 'arrived') return 'doubled';
    if (state === 'acknowledged') this.#open.delete(number);
    else this.#open.set(number, 'arrived');
    if (this.firstSeq === 0) this.firstSeq = seq;
    else if (seq !== this.#lastSeq + 1) this.seqGaps += 1;
    this.#lastSeq = Math.max(this.#lastSeq, seq);
    if (number < this.#highest) return 'reordered';
    this.#highest = number;
    return 'in order';
  }

  /** Messages whose outcome is not final yet. */
  get underWay(): number {
    return this.#open.size;
  }

  /** Acknowledged messages that have not arrived. */
  get owed(): number {
    let owed = 0;
    for (const state of this.#open.values()) if (state === 'acknowledged') owed += 1;
    return owed;
  }
}
