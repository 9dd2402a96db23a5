import { openKube } from '../cluster/find.ts';
import { CommandError, EXIT, usageError } from '../exit-codes.ts';
import { type FoundServer, findServer, KUBERNETES } from '../find-server.ts';
import { isForPeople, type OutputFormat, printValue, streamText } from '../output.ts';
import { showProgress } from '../progress.ts';
import { stopOnSignals } from '../signals.ts';
import type { TargetOptions } from '../target-options.ts';
import { type Figures, figuresOf } from './figures.ts';
import type { Reading } from './reading.ts';
import { apiSource, clusterSource, opsSource, type Source } from './sources.ts';
import { takeTerminal } from './terminal.ts';
import { afterKey, type Sort, type Subject, screen, type View } from './view.ts';

/** Options of `openimctl top`. */
export interface TopOptions extends TargetOptions {
  ops: readonly string[];
  by: Subject;
  sort: Sort;
  /** ms. */
  interval: number;
  once: boolean;
  output: OutputFormat;
}

/** Width of plain output, where nothing says how wide it may be. */
const PLAIN_WIDTH = 200;

/** A source, and what must be closed after it. */
interface OpenSource extends Disposable {
  readonly source: Source;
}

const open = (source: Source, close = () => {}): OpenSource => ({ source, [Symbol.dispose]: close });

/** The cluster that options, environment or a context name. */
function clusterNamed(options: TopOptions): boolean {
  const { api, ws, dataDir, cluster, kubeconfig, kubeContext } = options;
  if ([cluster, kubeconfig, kubeContext].some((each) => each !== undefined)) return true;
  const others = [api, ws, dataDir, process.env.OPENIM_API, process.env.OPENIM_DATA_DIR];
  return others.every((each) => !each) && Boolean(process.env.OPENIM_CLUSTER);
}

async function sourceOf(options: TopOptions): Promise<OpenSource> {
  if (options.ops.length > 0) return open(opsSource(options.ops.map((url) => url.replace(/\/+$/, ''))));
  if (clusterNamed(options)) {
    const cluster = options.cluster ?? (process.env.OPENIM_CLUSTER || undefined);
    const client = await openKube(options);
    try {
      return open(await clusterSource(client, { ...options, cluster }), () => client.close());
    } catch (error) {
      client.close();
      throw error;
    }
  }
  const needs = { endpoints: [], secretOf: undefined } as const;
  const found: FoundServer = await findServer(options, process.env, needs, KUBERNETES);
  if (found.dev) return open(opsSource([found.dev.ops]));
  if (found.cluster) {
    const client = await openKube(options);
    return open(await clusterSource(client, { cluster: found.cluster.name }), () => client.close());
  }
  return open(apiSource(options));
}

/** Figures for each reading but the first, which rates are counted from. */
async function* figures(readings: AsyncIterable<Reading>): AsyncGenerator<Figures> {
  let before: Reading | undefined;
  for await (const reading of readings) {
    if (before) yield figuresOf(reading, before, Date.now());
    else refuseNothing(reading);
    // Without an answer there is nothing to count from.
    if (reading.processes.length > 0) before = reading;
  }
}

/** @throws CommandError `unreachable` when nothing at all could be read. */
function refuseNothing({ processes, problems }: Reading): void {
  const [first] = problems;
  if (processes.length > 0 || first === undefined) return;
  throw new CommandError(EXIT.unreachable, `nothing could be read: ${first}`);
}

/** Runs `openimctl top` until it is stopped, or with `once` after one screen. @throws CommandError. */
export async function runTop(options: TopOptions): Promise<void> {
  if (options.once && options.interval < 500)
    throw usageError('--interval must be at least 500ms with --once');
  using opened = await sourceOf(options);
  const { source } = opened;
  const end = new AbortController();
  const signal = AbortSignal.any([end.signal, stopOnSignals()]);
  process.stdout.on('error', () => end.abort());
  let view: View = { subject: options.by, sort: options.sort, offset: 0 };
  const readings = source.readings(options.interval, () => view.sort, signal);
  const isLive = !options.once && isForPeople(options.output) && process.stdout.isTTY === true;
  if (!isLive) return await printAll(figures(readings), source.name, view, options);

  let latest: Figures | undefined;
  let page = 1;
  let rows = 0;
  const draw = () => {
    const { width, height } = terminal.size();
    if (latest === undefined) {
      terminal.draw([`${source.name}: reading; the first rates come in a moment`]);
      return;
    }
    const drawn = screen(latest, view, source.name, { width, height });
    ({ page, rows } = drawn);
    terminal.draw(drawn.lines);
  };
  using terminal = takeTerminal(process.stdin.isTTY ? process.stdin : undefined, process.stdout, {
    key(key) {
      const next = afterKey(view, key, page, rows);
      if (next === undefined) end.abort();
      else if (next !== view) {
        view = next;
        draw();
      }
    },
    resized: draw,
  });
  draw();
  for await (latest of figures(readings)) {
    if (signal.aborted) break;
    draw();
  }
}

async function printAll(
  all: AsyncIterable<Figures>,
  source: string,
  view: View,
  { once, output }: TopOptions,
): Promise<void> {
  const waiting = showProgress(() => `reading figures of ${source}; rates need a second reading`);
  const line = isForPeople(output) || once ? undefined : await streamText(output, 'process');
  const width = process.stdout.columns || PLAIN_WIDTH;
  let printed = 0;
  try {
    for await (const each of all) {
      waiting[Symbol.dispose]();
      if (isForPeople(output)) {
        const { lines } = screen(each, view, source, { width, height: undefined });
        process.stdout.write(`${printed++ > 0 ? '\n' : ''}${lines.join('\n')}\n`);
      } else if (line) process.stdout.write(line(each));
      else await printValue(output === 'name' ? each[view.subject] : each, output, 'process');
      if (once) return;
    }
  } finally {
    waiting[Symbol.dispose]();
  }
}
