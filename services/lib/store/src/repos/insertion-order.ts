/** Enough for the largest insert; the product stays exact beyond the year 2100. */
const PLACES_PER_MS = 2_048;

/**
 * Sort value of the `place`-th element (below 2,048) inserted at `time` (ms): lists are kept in the order of their
 * insertion, also inside one insert.
 */
export function insertionOrder(time: number, place = 0): number {
  return time * PLACES_PER_MS + Math.min(place, PLACES_PER_MS - 1);
}
