/**
 * Joins the parts of a key, in memory and in the stores. The API edge refuses ids with control characters, so it never
 * occurs in a part.
 */
export const KEY_SEPARATOR = '\u001f';
