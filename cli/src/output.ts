import { Option } from 'commander';

/** Forms in which a command prints its result. */
export type OutputFormat = 'table' | 'json' | 'yaml';

/** The `-o` option, shared by all commands that print a result. */
export function outputOption(standard: OutputFormat = 'table'): Option {
  return new Option('-o, --output <format>', 'form of the result')
    .choices(['table', 'json', 'yaml'])
    .default(standard);
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
    cells.reduce((most, row) => Math.max(most, row[i]?.length ?? 0), heading[i]?.length ?? 0),
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

/** `key: value` lines with aligned values. */
export function formatObject(value: Row): string {
  const width = Math.max(...Object.keys(value).map((key) => key.length));
  return Object.entries(value)
    .map(([key, v]) => `${`${key}:`.padEnd(width + 2)}${cell(v)}`.trimEnd())
    .join('\n');
}

/** Prints a list: a table for people, an array for programs. */
export async function printRows(
  rows: readonly Row[],
  columns: readonly string[],
  format: OutputFormat,
): Promise<void> {
  if (format !== 'table') await printValue(rows, format);
  else console.log(rows.length === 0 ? 'nothing found' : formatTable(rows, columns));
}

/** Prints one object: `key: value` lines for people, the object for programs. */
export async function printObject(value: Row, format: OutputFormat): Promise<void> {
  if (format === 'table') console.log(formatObject(value));
  else await printValue(value, format);
}

/** Prints any value for programs. */
export async function printValue(value: unknown, format: 'json' | 'yaml'): Promise<void> {
  process.stdout.write(format === 'json' ? `${JSON.stringify(value, null, 2)}\n` : await toYaml(value));
}

/** A value as YAML; the library is loaded at the first use, as most commands never need it. */
export async function toYaml(value: unknown): Promise<string> {
  const { stringify } = await import('yaml');
  return stringify(value, { lineWidth: 0 });
}
