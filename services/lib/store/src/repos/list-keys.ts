/** Enough for the largest insert; the product stays exact beyond the year 2100. */
const PLACES_PER_MS = 2_048;

/**
 * Sort value of the `place`-th element (below 2,048) inserted at `time` (ms): lists are kept in the order of their
 * insertion, also inside one insert.
 */
export function insertionOrder(time: number, place = 0): number {
  return time * PLACES_PER_MS + Math.min(place, PLACES_PER_MS - 1);
}

/** Digits of a time in ms. */
const TIME_DIGITS = 13;

/** A text whose order is that of times (ms), and of ids within one ms: with `_id` alone, lists would need two fields. */
export function timeOrder(time: number, id = ''): string {
  return String(Math.max(0, time)).padStart(TIME_DIGITS, '0') + id;
}

/** Longest search text that is looked at; more cannot match anything sensible. */
const MAX_SEARCH = 128;

/** Text as it is stored for searching: without differences of case and width. */
export function searchKey(text: string): string {
  return text.normalize('NFKC').toLowerCase();
}

/**
 * Filter value for a field of search keys: it contains `text`, whatever the case. An operator and no RegExp, which
 * some servers compare as a value when an index has the field.
 */
export function contains(text: string): { $regex: string } {
  return { $regex: escapeRegExp(searchKey(text.slice(0, MAX_SEARCH))) };
}

/** A text as a regular expression that matches it alone. */
export function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&');
}
