import { spawn } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Report } from './reporter.ts';

/** What became of one test file. */
export interface FileResult {
  readonly file: string;
  readonly ms: number;
  readonly passed: number;
  readonly failures: readonly Failure[];
  readonly skipped: readonly Skip[];
  /** What tests measured, by `t.diagnostic`. */
  readonly notes: readonly string[];
  /** Last lines that the file wrote; worth reading when it failed. */
  readonly output: string;
}

export interface Failure {
  readonly test: string;
  readonly error: string;
}

export interface Skip {
  readonly test: string;
  readonly reason: string;
}

const OUTPUT_BYTES = 32_768;
const TERMINATION_GRACE_MS = 10_000;
/** Time that a file gets to end once its last test has. */
const EXIT_GRACE_MS = 30_000;

/** How a test file is run. */
export interface FileOptions {
  /** Time limit of the file, in ms. */
  readonly timeoutMs: number;
  /** Ends the process after the last test and hook, regardless of open handles. */
  readonly forceExit?: boolean;
}

/**
 * Runs one test file in a separate process, and ends all that it leaves behind. A file that dies,
 * runs out of time or has no tests counts as a failure.
 */
export async function runFile(
  root: string,
  file: string,
  { timeoutMs, forceExit }: FileOptions,
): Promise<FileResult> {
  const startedAt = performance.now();
  const reports = join(tmpdir(), `im-test-${process.pid}-${Math.random().toString(36).slice(2)}.jsonl`);
  const reporter = join(import.meta.dirname, 'reporter.ts');
  const flags = ['--test-reporter', reporter, '--test-reporter-destination', reports];
  if (forceExit) flags.push('--test-force-exit');
  const child = spawn(process.execPath, [...flags, join(root, file)], {
    cwd: root,
    // A separate process group, so that its children can be ended with it.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      PATH: `${join(root, 'node_modules/.bin')}${delimiter}${process.env.PATH ?? ''}`,
      // Hundreds of processes load the same files in a run.
      NODE_COMPILE_CACHE: join(root, 'node_modules/.cache/compile'),
    },
  });
  let output = '';
  const keep = (chunk: Buffer) => {
    output = (output + chunk.toString('utf8')).slice(-OUTPUT_BYTES);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const group = child.pid;
  const exited = new Promise<string>((resolve) => {
    child.on('error', (error) => resolve(`did not start: ${error.message}`));
    child.on('exit', (code, signal) => resolve(signal ? `was ended by ${signal}` : `exited with ${code}`));
  });

  let verdict: string | undefined;
  const watch = new AbortController();
  const limit = sleep(timeoutMs, 'late' as const, { signal: watch.signal }).catch(() => 'late' as const);
  const end = await Promise.race([exited, limit]);
  if (end === 'late' && group !== undefined) {
    verdict = `took longer than ${timeoutMs / 1_000} s`;
    signalGroup(group, 'SIGTERM');
    await Promise.race([exited, sleep(TERMINATION_GRACE_MS, undefined, { ref: false })]);
  }
  watch.abort();
  if (group !== undefined) signalGroup(group, 'SIGKILL');
  const ending = await Promise.race([exited, sleep(EXIT_GRACE_MS, 'does not end', { ref: false })]);
  const seen = await readReports(reports);
  return { file, ms: performance.now() - startedAt, output, ...judge(seen, verdict, ending) };
}

function judge(seen: readonly Report[], verdict: string | undefined, ending: string) {
  const running = new Set<string>();
  const failures: Failure[] = [];
  const skipped: Skip[] = [];
  const notes: string[] = [];
  let passed = 0;
  for (const report of seen) {
    if (report.kind === 'note') {
      notes.push(report.text);
      continue;
    }
    if (report.kind === 'start') running.add(report.id);
    else running.delete(report.id);
    if (report.kind === 'pass' && !report.suite) passed++;
    if (report.kind === 'fail' && !report.suite) failures.push({ test: report.id, error: report.error });
    if (report.kind === 'skip') skipped.push({ test: report.id, reason: report.reason });
  }
  const unfinished = running.size > 0 ? `unfinished: ${[...running].join(', ')}` : '';
  if (verdict !== undefined) {
    const why = unfinished || 'every test had ended, and something kept the process';
    failures.push({ test: 'the file', error: `${verdict}; ${why}` });
  } else if (failures.length === 0 && ending !== 'exited with 0') {
    failures.push({ test: 'the file', error: unfinished ? `${ending}; ${unfinished}` : ending });
  } else if (passed + failures.length + skipped.length === 0) {
    failures.push({ test: 'the file', error: 'has no tests' });
  }
  return { passed, failures, skipped, notes };
}

async function readReports(path: string): Promise<Report[]> {
  const text = await readFile(path, 'utf8').catch(() => '');
  await rm(path, { force: true });
  const reports: Report[] = [];
  for (const line of text.split('\n')) {
    // The last line may be cut when the process was killed.
    if (line.endsWith('}')) reports.push(JSON.parse(line));
  }
  return reports;
}

/** Sends a signal to a process group; one that is gone is fine. */
function signalGroup(group: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-group, signal);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
