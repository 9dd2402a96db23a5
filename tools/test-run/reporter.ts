import { inspect } from 'node:util';

/** What a test file reports to the runner, one JSON object per line. */
export type Report =
  | { readonly kind: 'start'; readonly id: string }
  | { readonly kind: 'pass'; readonly id: string; readonly suite: boolean }
  | { readonly kind: 'skip'; readonly id: string; readonly reason: string }
  | { readonly kind: 'note'; readonly id: string; readonly text: string }
  | { readonly kind: 'fail'; readonly id: string; readonly suite: boolean; readonly error: string };

interface TestEvent {
  readonly type: string;
  readonly data: {
    readonly name: string;
    readonly nesting: number;
    /** Numbers of the test and of what it is part of; 0 is the file. */
    readonly testId?: number;
    readonly parentId?: number;
    readonly message?: string;
    readonly file?: string;
    readonly skip?: string | boolean;
    readonly todo?: string | boolean;
    readonly details?: {
      readonly type?: string;
      readonly error?: { readonly failureType?: string; readonly cause?: unknown };
    };
  };
}

/** What is wrong with a suite itself, and not only with one of its tests. */
const OF_A_SUITE = new Set(['hookFailed']);

/** Failures that only repeat those of a test's own parts. */
const REPEATED = new Set(['subtestsFailed']);

/** Diagnostics that node:test itself adds at the end of a file. */
const OWN_NOTES = /^(tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) [\d.]+$/;

/** A reporter of node:test; the runner asks for it by its path. */
async function* report(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const names = new Map<number, string>();
  // A test that was cancelled never left the queue.
  const idOf = ({ name, testId = -1, parentId = 0 }: TestEvent['data']): string => {
    const parent = names.get(parentId);
    return names.get(testId) ?? (parent === undefined ? name : `${parent} > ${name}`);
  };
  let latest = '';
  for await (const { type, data } of events) {
    // Unlike test:start, reported immediately, so that a hanging test is known by name.
    if (type === 'test:dequeue') {
      const id = idOf(data);
      if (data.testId !== undefined) names.set(data.testId, id);
      yield line({ kind: 'start', id });
    } else if (type === 'test:pass' || type === 'test:fail') {
      latest = idOf(data);
      yield line(outcome(latest, type === 'test:pass', data));
    } else if (type === 'test:diagnostic' && !OWN_NOTES.test(data.message ?? '')) {
      yield line({ kind: 'note', id: latest, text: data.message ?? '' });
    }
  }
}

function outcome(id: string, passed: boolean, data: TestEvent['data']): Report {
  const suite = data.details?.type === 'suite';
  const error = data.details?.error;
  const left = data.skip ?? data.todo;
  if (left !== undefined && left !== false) {
    return { kind: 'skip', id, reason: left === true || left === '' ? 'no reason given' : left };
  }
  if (passed) return { kind: 'pass', id, suite };
  const type = error?.failureType ?? '';
  const repeats = (suite && !OF_A_SUITE.has(type)) || REPEATED.has(type);
  return { kind: 'fail', id, suite: repeats, error: inspect(error?.cause ?? error, { depth: 4 }) };
}

function line(value: Report): string {
  return `${JSON.stringify(value)}\n`;
}

// node:test takes a reporter as a module's default export and in no other way.
// biome-ignore lint/style/noDefaultExport: see above
export default report;
