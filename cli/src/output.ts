import { InvalidArgumentError, Option } from 'commander';
import { jsonPath } from './json-path.ts';

/** Forms in which a command prints its result: `table` and `wide` for people, the others for programs. */
export type OutputFormat = 'table' | 'wide' | ProgramFormat;

/** Forms of a result that programs read; `name` prints identifiers alone, one per line. */
export type ProgramFormat = 'json' | 'yaml' | 'name' | `jsonpath=${string}`;

/** Names of the forms, for help and completion. */
export const OUTPUT_FORMATS = ['table', 'wide', 'json', 'yaml', 'name', 'jsonpath='] as const;

function parseFormat(text: string): OutputFormat {
  if (text.startsWith('jsonpath=')) {
    jsonPath(text.slice('jsonpath='.length));
    return text as OutputFormat;
  }
  if (text !== 'jsonpath=' && OUTPUT_FORMATS.some((format) => format === text)) return text as OutputFormat;
  throw new InvalidArgumentError('Allowed choices are table, wide, json, yaml, name, jsonpath=<template>.');
}

/** The `-o` option, shared by all commands that print a result. */
export function outputOption(standard: OutputFormat = 'table'): Option {
  return new Option(
    '-o, --output <format>',
    'form of the result: table, wide, json, yaml, name, jsonpath=<template>',
  )
    .argParser(parseFormat)
    .default(standard);
}

/** Forms in which a command prints a list. */
export type ListFormat = OutputFormat | 'csv';

/** Names of the forms of lists. */
export const LIST_FORMATS = [...OUTPUT_FORMATS, 'csv'] as const;

/** The `-o` option of commands that print a list, which is also to be had for spreadsheets. */
export function listOutputOption(): Option {
  return new Option(
    '-o, --output <format>',
    'form of the result: table, wide, json, yaml, csv, name, jsonpath=<template>',
  )
    .argParser((text): ListFormat => (text === 'csv' ? text : parseFormat(text)))
    .default('table');
}

/** Whether a result is for people. */
export function isForPeople(format: OutputFormat): format is 'table' | 'wide' {
  return format === 'table' || format === 'wide';
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

/** Columns that the rows have besides those of a table, in the order in which they come. */
function furtherColumns(rows: readonly Row[], columns: readonly string[]): string[] {
  const known = new Set(columns);
  return [...new Set(rows.flatMap(Object.keys))].filter((column) => !known.has(column));
}

/** Prints a list: a table for people, with all that the rows have where it is `wide`; an array for programs. */
export async function printRows(
  rows: readonly Row[],
  columns: readonly string[],
  format: OutputFormat,
): Promise<void> {
  if (!isForPeople(format)) {
    await printValue(rows, format, columns[0]);
    return;
  }
  const shown = format === 'wide' ? [...columns, ...furtherColumns(rows, columns)] : columns;
  console.log(rows.length === 0 ? 'nothing found' : formatTable(rows, shown));
}

/** Prints one object: `key: value` lines for people, the object for programs. */
export async function printObject(value: Row, format: OutputFormat): Promise<void> {
  if (isForPeople(format)) console.log(formatObject(value));
  else await printValue(value, format);
}

/**
 * Prints any value for programs.
 * @param key field that identifies an entry, for `name`. @default the first field; `kind/name` of a resource of Kubernetes
 */
export async function printValue(value: unknown, format: ProgramFormat, key?: string): Promise<void> {
  process.stdout.write(await programText(value, format, key));
}

/** What {@link printValue} prints. */
export async function programText(value: unknown, format: ProgramFormat, key?: string): Promise<string> {
  if (format === 'json') return `${JSON.stringify(value, null, 2)}\n`;
  if (format === 'yaml') return await toYaml(value);
  if (format === 'name')
    return entriesOf(value)
      .map((entry) => `${identifier(entry, key)}\n`)
      .join('');
  // Templates reach what the result says in JSON, and nothing of its objects besides.
  const text = jsonPath(format.slice('jsonpath='.length))(JSON.parse(JSON.stringify(value)));
  return text === '' || text.endsWith('\n') ? text : `${text}\n`;
}

/**
 * How to print each of many values that come one after the other: a line of JSON, a YAML document, or what the template or
 * `name` makes of it. The library for YAML is loaded once, so that values are printed in the order in which they come.
 */
export async function streamText(format: ProgramFormat, key?: string): Promise<(value: unknown) => string> {
  if (format === 'json') return (value) => `${JSON.stringify(value)}\n`;
  if (format === 'name') return (value) => `${identifier(value, key)}\n`;
  if (format === 'yaml') {
    const { stringify } = await import('yaml');
    return (value) => `---\n${stringify(value, { lineWidth: 0 })}`;
  }
  const text = jsonPath(format.slice('jsonpath='.length));
  return (value) => `${text(JSON.parse(JSON.stringify(value)))}\n`;
}

/** The entries of a result: those of a list, also where the list is its first field with one; else the result itself. */
function entriesOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  if (!isRecord(value) || 'metadata' in value) return [value];
  const [only, ...more] = Object.values(value).filter(
    (each) => Array.isArray(each) && (each.length === 0 || isRecord(each[0])),
  );
  return more.length === 0 && Array.isArray(only) ? only : [value];
}

function identifier(entry: unknown, key: string | undefined): string {
  if (!isRecord(entry)) return String(entry);
  const { kind, metadata } = entry;
  if (typeof kind === 'string' && isRecord(metadata)) return `${kind.toLowerCase()}/${metadata.name}`;
  const value = key !== undefined && key in entry ? entry[key] : Object.values(entry)[0];
  return isRecord(value) ? identifier(value, key) : String(value ?? '');
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A value as YAML; the library is loaded at the first use, as most commands never need it. */
export async function toYaml(value: unknown): Promise<string> {
  const { stringify } = await import('yaml');
  return stringify(value, { lineWidth: 0 });
}
