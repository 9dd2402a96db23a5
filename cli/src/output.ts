import { Option } from 'commander';
import { stringify } from 'yaml';

/** Forms in which a command prints its result. */
export type OutputFormat = 'table' | 'json' | 'yaml';

/** The `-o` option, shared by all commands that print a result. */
export function outputOption(): Option {
  return new Option('-o, --output <format>', 'form of the result')
    .choices(['table', 'json', 'yaml'])
    .default('table');
}

/** One row of a table, by column name; JSON and YAML keep the keys as they are. */
export type Row = Readonly<Record<string, string | number | boolean | null | readonly (string | number)[]>>;

function cell(value: Row[string] | undefined): string {
  if (value === null || value === undefined) return '';
  return Array.isArray(value) ? value.join(',') : String(value);
}

/** Rows as aligned columns under upper-case headings; a column whose key is absent in a row stays empty. */
export function formatTable(rows: readonly Row[], columns: readonly string[]): string {
  const heading = columns.map((c) => c.replace(/([a-z0-9])([A-Z])/g, '$1 $2').toUpperCase());
  const cells = rows.map((row) => columns.map((c) => cell(row[c])));
  const widths = columns.map((_, i) =>
    Math.max(heading[i]?.length ?? 0, ...cells.map((r) => r[i]?.length ?? 0)),
  );
  return [heading, ...cells]
    .map((line) =>
      line
        .map((text, i) => text.padEnd(widths[i] ?? 0))
        .join('   ')
        .trimEnd(),
    )
    .join('\n');
}

/** Prints a list: a table for people, an array for programs. */
export function printRows(rows: readonly Row[], columns: readonly string[], format: OutputFormat): void {
  if (format === 'table') {
    console.log(rows.length === 0 ? 'nothing found' : formatTable(rows, columns));
  } else {
    printValue(rows, format);
  }
}

/** Prints one object: `key: value` lines for people, the object for programs. */
export function printObject(value: Row, format: OutputFormat): void {
  if (format === 'table') {
    const width = Math.max(...Object.keys(value).map((k) => k.length));
    for (const [key, v] of Object.entries(value)) console.log(`${`${key}:`.padEnd(width + 2)}${cell(v)}`);
  } else {
    printValue(value, format);
  }
}

/** Prints any value for programs. */
export function printValue(value: unknown, format: 'json' | 'yaml'): void {
  process.stdout.write(format === 'json' ? `${JSON.stringify(value, null, 2)}\n` : stringify(value));
}
