import type { AdminClient, Operation } from '@im/admin-api';
import { type Command, Option } from 'commander';
import { whole } from '../arguments.ts';
import { formatCsv } from '../csv.ts';
import {
  isForPeople,
  type ListFormat,
  listOutputOption,
  printRows,
  printValue,
  type Row,
} from '../output.ts';

/** Options of commands that print a list. */
export interface ListOptions {
  limit: number;
  cursor?: string;
  output: ListFormat;
}

/** Adds the options of {@link ListOptions}. */
export function withList(command: Command): Command {
  return command
    .option('--limit <n>', 'most entries', whole('--limit'), 100)
    .addOption(new Option('--cursor <cursor>', 'the cursor that the list before ended with'))
    .addOption(listOutputOption());
}

/** Most entries of a page of the API. */
const PAGE = 500;

/** What a command prints of a list. */
export interface Listing<T> {
  /** Field of the answer, and of what is printed for programs. */
  readonly field: string;
  readonly columns: readonly string[];
  /** Most entries of a page, where all pages must have the same length. @default up to 500, as many as are wanted */
  readonly pages?: number;
  /** Most entries of a page. @default 500 */
  readonly most?: number;
  readonly row: (entry: T) => Row;
  /** What is wrong with a page, for people. @default nothing */
  readonly warning?: (page: Readonly<Record<string, unknown>>) => string | undefined;
}

/** Prints at most `limit` entries of a list, read page by page, and the cursor of what is left. */
export async function printList<T>(
  admin: AdminClient,
  operation: Operation,
  given: { readonly params?: object; readonly query?: object },
  { limit, cursor, output }: ListOptions,
  { field, columns, row, pages, most = PAGE, warning }: Listing<T>,
): Promise<void> {
  const entries: T[] = [];
  const warnings = new Set<string>();
  const length = pages === undefined ? undefined : Math.min(pages, limit);
  let next = cursor;
  do {
    const query = { ...given.query, limit: length ?? Math.min(most, limit - entries.length), cursor: next };
    const page = (await admin.call(operation, { ...given, query })) as Record<string, unknown>;
    entries.push(...((page[field] ?? []) as T[]));
    const wrong = warning?.(page);
    if (wrong !== undefined) warnings.add(wrong);
    next = page.nextCursor as string | undefined;
  } while (next !== undefined && entries.length + (length ?? 1) <= limit);
  for (const wrong of warnings) console.error(`warning: ${wrong}`);
  if (output === 'csv') {
    process.stdout.write(formatCsv(entries.map(row), columns));
    if (next !== undefined) console.error(`more with: --cursor ${next}`);
    return;
  }
  if (!isForPeople(output)) {
    await printValue(
      { [field]: entries, ...(next !== undefined && { nextCursor: next }) },
      output,
      columns[0],
    );
    return;
  }
  await printRows(entries.map(row), columns, output);
  if (next !== undefined) console.error(`more with: --cursor ${next}`);
}

/** A time (ms) in a table; empty for none. */
export function timeText(ms: number | undefined): string {
  return ms === undefined || ms === 0 ? '' : new Date(ms).toISOString();
}
