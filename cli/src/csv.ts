import type { Row } from './output.ts';

/** What spreadsheets would execute as a formula. */
const FORMULA = /^[=+\-@\t\r]/;

function cell(value: Row[string] | undefined): string {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  const text = Array.isArray(value) ? value.join(' ') : (value?.toString() ?? '');
  // Names are chosen by users.
  const safe = FORMULA.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** Rows as RFC 4180 has them, with a heading. Texts that a spreadsheet would take for a formula begin with an apostrophe. */
export function formatCsv(rows: readonly Row[], columns: readonly string[]): string {
  const lines = [columns.map(cell), ...rows.map((row) => columns.map((column) => cell(row[column])))];
  return lines.map((line) => `${line.join(',')}\r\n`).join('');
}
