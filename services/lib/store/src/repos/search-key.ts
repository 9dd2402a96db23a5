/** Longest search text that is looked at; more cannot match anything sensible. */
const MAX_SEARCH = 128;

/** Text as it is stored for searching: without differences of case and width. */
export function searchKey(text: string): string {
  return text.normalize('NFKC').toLowerCase();
}

/** Filter value for a field of search keys: it contains `text`, whatever the case. */
export function contains(text: string): RegExp {
  return new RegExp(escapeRegExp(searchKey(text.slice(0, MAX_SEARCH))));
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&');
}
