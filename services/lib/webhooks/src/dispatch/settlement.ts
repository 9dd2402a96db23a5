import type { FollowedEntry } from '@im/bus';

/** Answers for a record of the log once all its deliveries have ended: as done, or to come again if one of them is to. */
export class Settlement {
  readonly #entry: Pick<FollowedEntry, 'done' | 'again'>;
  readonly #mayComeAgain: (outcome: string) => boolean;
  #open: number;
  #again: { readonly delayMs: number; readonly outcome: string } | undefined;

  /**
   * @param deliveries each ends once, by {@link done} or {@link again}.
   * @param mayComeAgain whether the record is not given up.
   */
  constructor(
    entry: Pick<FollowedEntry, 'done' | 'again'>,
    deliveries: number,
    mayComeAgain: (outcome: string) => boolean,
  ) {
    this.#entry = entry;
    this.#open = deliveries;
    this.#mayComeAgain = mayComeAgain;
  }

  done(): void {
    this.#open--;
    if (this.#open > 0) return;
    const again = this.#again;
    if (again && this.#mayComeAgain(again.outcome)) this.#entry.again(again.delayMs);
    else this.#entry.done();
  }

  /** @param outcome what is counted if the record is given up. */
  again(delayMs: number, outcome: string): void {
    this.#again = { delayMs, outcome };
    this.done();
  }
}
