import { Slots } from '@im/kit';

/** Settings of {@link BuildTurns}. */
export interface BuildTurnsOptions {
  /** How long a build has its turn, ms. @default 20 minutes */
  readonly turnMs?: number;
}

const TURN_MS = 20 * 60_000;
/** Builds that may go on after their turn. */
export const MAX_OVERDUE = 3;

/**
 * Turns for builds, one at a time in the order of the calls. A build that takes longer than its turn goes on next to the
 * following ones, as long as few do, so that one that never ends keeps no other from being built.
 */
export class BuildTurns {
  readonly #turnMs: number;
  readonly #turns = new Slots(1);
  readonly #overdue = new Slots(MAX_OVERDUE);

  constructor({ turnMs = TURN_MS }: BuildTurnsOptions = {}) {
    this.#turnMs = turnMs;
  }

  /** Does the work when it has its turn. */
  async use<T>(work: () => Promise<T>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    void this.#turns.use(async () => {
      const ended = work().then(resolve, reject);
      if (await this.#endsInTurn(ended)) return;
      const goesOn = Promise.withResolvers<void>();
      void this.#overdue.use(async () => {
        goesOn.resolve();
        await ended;
      });
      await Promise.race([ended, goesOn.promise]);
    });
    return await promise;
  }

  async #endsInTurn(ended: Promise<void>): Promise<boolean> {
    const { promise: over, resolve } = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => resolve(false), this.#turnMs);
    const inTurn = await Promise.race([ended.then(() => true), over]);
    clearTimeout(timer);
    return inTurn;
  }
}
