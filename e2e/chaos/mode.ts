/** Durations of the runs in this folder: full figures with FULL=1, else a shorter run of the same shape. */
export const FULL = process.env.FULL === '1';

/** Times of a fire run, in ms since the load began. */
export interface ChaosTimes {
  readonly strikeAt: number;
  readonly healAt: number;
  readonly loadUntil: number;
}

export const CHAOS_TIMES: ChaosTimes = FULL
  ? { strikeAt: 15_000, healAt: 18_000, loadUntil: 40_000 }
  : { strikeAt: 2_000, healAt: 5_000, loadUntil: 11_000 };

/** How long a stopped transfer stays stopped. */
export const PAUSE_TIMES: ChaosTimes = FULL
  ? { strikeAt: 10_000, healAt: 40_000, loadUntil: 50_000 }
  : { strikeAt: 2_000, healAt: 12_000, loadUntil: 16_000 };

/**
 * Longest time to a delivery after the acknowledgement, or after the fault's return. Short runs are for
 * machines that do other things as well; how long it took is printed.
 */
export const DELIVER_WITHIN_MS = FULL ? 10_000 : 30_000;

/** Said once by every file that depends on it. */
export const MODE = FULL ? 'full figures (FULL=1)' : 'short runs; FULL=1 runs the full figures';
