// Prints docs/reference/metrics.md from the places in the services and the operator where metrics are made.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../../../..');
const FOLDERS = ['services', 'operator'];

interface Metric {
  readonly name: string;
  readonly kind: string;
  readonly help: string;
  readonly labels: readonly string[];
  /** Folder of the package below `services`, or `operator`. */
  readonly home: string;
}

const CALL =
  /\.(counter|gauge|histogram|observe|derived)(?:<[^>]*>)?\(\s*(['"`])([^'"`]*)\2,\s*(['"])(.*?)\4\s*(?:,\s*(\[[^\]]*\]))?/gs;
/** A metric made with a name that is not written there could not be listed. */
const UNNAMED = /[mM]etrics\??\s*\.(?:counter|gauge|histogram|derived)(?:<[^>]*>)?\((?!\s*['"])/;

const KINDS: Readonly<Record<string, string>> = { observe: 'gauge', derived: 'counter' };

function sources(): string[] {
  return FOLDERS.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map((path) => `${folder}/${path}`),
  )
    .filter((path) => /(^|\/)src\/.*\.ts$/.test(path) && !/\.test\.ts$|node_modules|src\/gen\//.test(path))
    .sort();
}

function metricsOf(path: string): Metric[] {
  const text = readFileSync(join(ROOT, path), 'utf8');
  if (UNNAMED.test(text)) {
    throw new Error(`${path}: write the metric's name where it is made, so that it can be documented`);
  }
  // The packages of the operator run in one process.
  const home = path.startsWith('operator/')
    ? 'operator'
    : path.slice('services/'.length, path.indexOf('/src/'));
  return [...text.matchAll(CALL)].map(([, method = '', , name = '', , help = '', labels = '[]']) => ({
    name,
    kind: KINDS[method] ?? method,
    help,
    labels: [...labels.matchAll(/'([^']+)'/g)].map(([, label = '']) => label),
    home,
  }));
}

function table(metrics: readonly Metric[]): string[] {
  return [
    '| metric | kind | labels | |',
    '|---|---|---|---|',
    ...metrics
      .toSorted((a, b) => a.name.localeCompare(b.name))
      .map(({ name, kind, labels, help }) => {
        const named = labels.map((label) => `\`${label}\``).join(', ');
        return `| \`${name}\` | ${kind} | ${named} | ${help.replaceAll('|', '\\|')} |`;
      }),
  ];
}

const byHome = Map.groupBy(sources().flatMap(metricsOf), ({ home }) => home);
const lines = [
  '# Metrics',
  '',
  'Every process serves its metrics in the Prometheus text format at `/metrics` of its ops port (`ops.port`, 10300 unless',
  'set). A process has the metrics of the roles that it runs and of the libraries that they use. Times are in seconds,',
  'sizes in bytes. No label holds ids of users, groups or conversations.',
  '',
  'Names begin with `openim_`, but for those that dashboards made for OpenIM ask for. In this version each process also',
  'shows those that the version before had under their former names (`im_...`, `gateway_...`, `operator_...`), with a help',
  'that says which name to use; `OPENIM_FORMER_METRIC_NAMES=off` in its environment leaves those out. Three got their unit as well:',
  '`openim_gateway_push_fanout_sockets`, `openim_delivery_batch_deliveries` and `openim_log_append_batch_records`.',
  '',
  'In addition to those below, each process has the usual ones of a Node.js process (`process_cpu_seconds_total`,',
  '`process_resident_memory_bytes`, `nodejs_eventloop_lag_p99_seconds`, `nodejs_gc_duration_seconds` and others).',
];
for (const [home, metrics] of [...byHome].sort(([a], [b]) => order(a).localeCompare(order(b)))) {
  lines.push('', `## ${titleOf(home)}`, '', ...table(metrics));
}
process.stdout.write(`${lines.join('\n')}\n`);

function titleOf(home: string): string {
  if (home === 'operator') return 'Operator';
  return home.startsWith('lib/') ? `Library ${home.slice(4)}` : `Role ${home}`;
}

/** Roles first, then the operator. */
function order(home: string): string {
  return `${home.startsWith('lib/') ? 2 : home === 'operator' ? 1 : 0}${home}`;
}
