import { PROBE_TENANT } from '@im/contract';
import { printable } from '../printable.ts';
import type { Figures, ProcessFigures, TenantFigures } from './figures.ts';

/** What a screen lists. */
export type Subject = 'processes' | 'tenants';

/** What a list is sorted by. */
export type Sort = 'name' | 'connections' | 'in' | 'out' | 'refused' | 'cpu' | 'memory' | 'lag';

/** What the user chose to see. */
export interface View {
  readonly subject: Subject;
  readonly sort: Sort;
  /** First row shown, from 0. */
  readonly offset: number;
}

/** Keys that choose the order, and the order that they choose. */
export const SORT_KEYS: Readonly<Record<string, Sort>> = {
  n: 'name',
  c: 'connections',
  i: 'in',
  o: 'out',
  r: 'refused',
  u: 'cpu',
  m: 'memory',
  l: 'lag',
};

type Row = ProcessFigures | TenantFigures;

const VALUES: Readonly<Record<Exclude<Sort, 'name'>, (row: Row) => number | null>> = {
  connections: ({ connections }) => connections,
  in: ({ sendsPerSecond }) => sendsPerSecond,
  out: ({ pushesPerSecond }) => pushesPerSecond,
  refused: ({ refusalsPerSecond }) => refusalsPerSecond,
  cpu: (row) => ('cpuPercent' in row ? row.cpuPercent : row.sendsPerSecond),
  memory: (row) => ('rssBytes' in row ? row.rssBytes : row.connections),
  lag: (row) => ('lagRecords' in row ? row.lagRecords : row.connections),
};

const nameOf = (row: Row) => ('process' in row ? row.process : row.tenant);

/** Rows with the largest values first, names in their order; unknown values last. */
export function sorted<T extends Row>(rows: readonly T[], sort: Sort): T[] {
  const byName = (a: Row, b: Row) => (nameOf(a) < nameOf(b) ? -1 : 1);
  if (sort === 'name') return [...rows].sort(byName);
  const value = (row: Row) => VALUES[sort](row) ?? -1;
  return [...rows].sort((a, b) => value(b) - value(a) || byName(a, b));
}

/** What a key does to the view; undefined ends the command. @param page rows of a page. */
export function afterKey(view: View, key: string, page: number, rows: number): View | undefined {
  const last = Math.max(0, rows - page);
  const at = (offset: number) => ({ ...view, offset: Math.min(last, Math.max(0, offset)) });
  const sort = SORT_KEYS[key];
  if (sort !== undefined) return { ...view, sort, offset: 0 };
  switch (key) {
    case 'q':
    case '\x03':
    case '\x04':
      return undefined;
    case '\t':
      return { ...view, subject: view.subject === 'processes' ? 'tenants' : 'processes', offset: 0 };
    case 'p':
    case 'g':
      return { ...view, subject: 'processes', offset: 0 };
    case 't':
      return { ...view, subject: 'tenants', offset: 0 };
    case '\x1b[A':
    case 'k':
      return at(view.offset - 1);
    case '\x1b[B':
    case 'j':
      return at(view.offset + 1);
    case '\x1b[5~':
      return at(view.offset - page);
    case '\x1b[6~':
    case ' ':
      return at(view.offset + page);
    default:
      return view;
  }
}

/** A column: its heading, its text for a row, and how soon it is left out where there is no room (0: never). */
interface Column<T> {
  readonly heading: string;
  readonly sort?: Sort;
  readonly left?: boolean;
  readonly leaves: number;
  readonly text: (row: T) => string;
}

const count = (value: number | null) => (value === null ? '-' : value.toLocaleString('en-US'));

function rate(value: number | null): string {
  if (value === null) return '-';
  return value.toLocaleString('en-US', { maximumFractionDigits: value < 10 ? 1 : 0 });
}

const size = (bytes: number | null) => (bytes === null ? '-' : `${count(Math.round(bytes / 2 ** 20))} MiB`);

const PROCESS_COLUMNS: readonly Column<ProcessFigures>[] = [
  { heading: 'PROCESS', sort: 'name', left: true, leaves: 0, text: ({ process }) => process },
  { heading: 'ROLES', left: true, leaves: 4, text: ({ roles }) => roles.join(',') },
  { heading: 'CPU %', sort: 'cpu', leaves: 0, text: ({ cpuPercent }) => rate(cpuPercent) },
  { heading: 'MEMORY', sort: 'memory', leaves: 2, text: ({ rssBytes }) => size(rssBytes) },
  { heading: 'CONNS', sort: 'connections', leaves: 0, text: ({ connections }) => count(connections) },
  { heading: 'USERS', leaves: 6, text: ({ users }) => count(users) },
  { heading: 'IN/S', sort: 'in', leaves: 0, text: ({ sendsPerSecond }) => rate(sendsPerSecond) },
  { heading: 'OUT/S', sort: 'out', leaves: 0, text: ({ pushesPerSecond }) => rate(pushesPerSecond) },
  {
    heading: 'REFUSED/S',
    sort: 'refused',
    leaves: 1,
    text: ({ refusalsPerSecond }) => rate(refusalsPerSecond),
  },
  { heading: 'LAG', sort: 'lag', leaves: 0, text: ({ lagRecords }) => count(lagRecords) },
  { heading: 'LOOP MS', leaves: 5, text: ({ eventLoopDelayMs }) => rate(eventLoopDelayMs) },
  { heading: 'STATE', left: true, leaves: 3, text: ({ state }) => state },
];

/** The prober's tenant is no customer's. */
const tenantName = (tenant: string) => (tenant === PROBE_TENANT ? `${tenant} (prober)` : tenant);

const TENANT_COLUMNS: readonly Column<TenantFigures>[] = [
  { heading: 'TENANT', sort: 'name', left: true, leaves: 0, text: ({ tenant }) => tenantName(tenant) },
  { heading: 'GATEWAYS', leaves: 2, text: ({ gateways }) => count(gateways) },
  { heading: 'CONNS', sort: 'connections', leaves: 0, text: ({ connections }) => count(connections) },
  { heading: 'USERS', leaves: 1, text: ({ users }) => count(users) },
  { heading: 'IN/S', sort: 'in', leaves: 0, text: ({ sendsPerSecond }) => rate(sendsPerSecond) },
  { heading: 'OUT/S', sort: 'out', leaves: 0, text: ({ pushesPerSecond }) => rate(pushesPerSecond) },
  {
    heading: 'REFUSED/S',
    sort: 'refused',
    leaves: 0,
    text: ({ refusalsPerSecond }) => rate(refusalsPerSecond),
  },
];

/** Longest name before it is cut where there is no room for it. */
const SHORT_NAME = 24;
const GAP = 2;

function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`;
}

function table<T>(rows: readonly T[], columns: readonly Column<T>[], sort: Sort, width: number): string[] {
  const cells = columns.map((column) => rows.map((row) => printable(column.text(row))));
  const headings = columns.map((column) => (column.sort === sort ? `${column.heading}*` : column.heading));
  const widths = columns.map((_, i) =>
    Math.max(headings[i]?.length ?? 0, ...(cells[i] ?? []).map(({ length }) => length)),
  );
  let shown = columns.map((_, i) => i);
  const needed = () => shown.reduce((all, i) => all + (widths[i] ?? 0) + GAP, -GAP);
  // First the longest names are cut, then columns are left out; what still does not fit is cut from the first column.
  if (needed() > width) widths[0] = Math.min(widths[0] ?? 0, SHORT_NAME);
  while (needed() > width) {
    const leaving = Math.max(...shown.map((i) => columns[i]?.leaves ?? 0));
    if (leaving === 0) break;
    shown = shown.filter((i) => columns[i]?.leaves !== leaving);
  }
  if (needed() > width) widths[0] = Math.max(4, (widths[0] ?? 0) - (needed() - width));
  const line = (texts: readonly string[]) => {
    const parts = shown.map((i) => {
      const text = cut(texts[i] ?? '', widths[i] ?? 0);
      return columns[i]?.left ? text.padEnd(widths[i] ?? 0) : text.padStart(widths[i] ?? 0);
    });
    return cut(parts.join(' '.repeat(GAP)).trimEnd(), width);
  };
  return [line(headings), ...rows.map((_, row) => line(cells.map((column) => column[row] ?? '')))];
}

function head({ time, seconds, totals, problems }: Figures, source: string): string[] {
  const { processes, connections, sendsPerSecond, pushesPerSecond, refusalsPerSecond, lagRecords } = totals;
  const over = seconds === null ? '' : `, rates over ${rate(seconds)} s`;
  const lag = lagRecords === null ? '' : `, ${count(lagRecords)} waiting in the log`;
  return [
    printable(
      `${source}  ${time.slice(11, 19)}Z, ${processes === 1 ? '1 process' : `${count(processes)} processes`}${over}`,
    ),
    `${count(connections)} connections, ${rate(sendsPerSecond)} messages/s in, ${rate(pushesPerSecond)} out, ${rate(refusalsPerSecond)} refused/s${lag}`,
    ...problems.slice(0, 2).map((problem) => printable(`! ${problem}`)),
    ...(problems.length > 2 ? [`! and ${problems.length - 2} more that could not be read`] : []),
  ];
}

const HELP = 'q quit  tab processes/tenants  sort: c conns i in o out r refused u cpu m memory l lag n name';

/** Lines that a screen has for anything but rows, besides those about problems. */
function rowsThatFit(height: number, above: number): number {
  return Math.max(1, height - above - 4);
}

/**
 * The lines of a screen, none longer than `width`.
 * @param size `height` undefined: as many lines as there are rows, without help for keys.
 * @returns also how many rows a page has, and how many there are.
 */
export function screen(
  figures: Figures,
  view: View,
  source: string,
  { width, height }: { readonly width: number; readonly height: number | undefined },
): { readonly lines: readonly string[]; readonly page: number; readonly rows: number } {
  const top = head(figures, source).map((line) => cut(line, width));
  const rows = figures[view.subject].length;
  const page = height === undefined ? rows : rowsThatFit(height, top.length);
  const part = <T extends Row>(all: readonly T[]) =>
    sorted(all, view.sort).slice(view.offset, view.offset + page);
  const body =
    view.subject === 'processes'
      ? table(part(figures.processes), PROCESS_COLUMNS, view.sort, width)
      : table(part(figures.tenants), TENANT_COLUMNS, view.sort, width);
  const hidden = rows - Math.min(rows, view.offset + page);
  const omitted = view.subject === 'tenants' ? figures.tenantsOmitted : 0;
  const more = hidden + omitted > 0 ? `and ${count(hidden + omitted)} more` : '';
  const foot = height === undefined ? [more].filter(Boolean) : [more, HELP].map((line) => cut(line, width));
  const gap = height === undefined ? 0 : Math.max(0, height - top.length - 1 - body.length - foot.length);
  return { lines: [...top, '', ...body, ...Array.from({ length: gap }, () => ''), ...foot], page, rows };
}
