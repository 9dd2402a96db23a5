import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CronJob, CronRun } from '@im/admin-api';
import { jobRow, progressOf, silentSince } from './jobs.ts';

const run = (fields: Partial<CronRun>): CronRun => ({
  ...{ number: 1, startTime: 0, durationMs: 0, outcome: '', done: 0, error: '', report: '' },
  ...fields,
});
const job = (fields: Partial<CronJob>): CronJob => ({
  ...{ name: 'expire-tokens', description: '', schedule: '7 4 * * *', nextTime: 0, announceTime: 0 },
  ...{ requested: false, lastSuccessTime: 0, failures: 0 },
  ...fields,
});

test('a job is one row: its last run, or the one that is under way', () => {
  const last = run({ number: 3, startTime: 1_000, durationMs: 12_400, outcome: 'error', done: 2 });
  const done = jobRow(job({ last, failures: 2, nextTime: Date.UTC(2030, 0, 1) }));
  assert.deepEqual(done, {
    ...{ job: 'expire-tokens', schedule: '7 4 * * *', last: '1970-01-01T00:00:01Z', outcome: 'error' },
    ...{ took: '12 s', done: 2, failures: 2, next: '2030-01-01T00:00:00Z' },
  });
  const running = jobRow(job({ last, running: run({ number: 4, startTime: 60_000, done: 9 }) }));
  assert.deepEqual(
    [running.outcome, running.last, running.took, running.done],
    ['running', '1970-01-01T00:01:00Z', '', 9],
  );
  assert.deepEqual([jobRow(job({ requested: true })).outcome, jobRow(job({})).last], ['requested', '']);
});

test('progress tells the run that was asked for from one before it', () => {
  const at = (number: number) => job({ running: run({ number, done: 5 }) });
  assert.equal(progressOf('expire-tokens', undefined, 3), 'expire-tokens has not started');
  assert.equal(progressOf('expire-tokens', at(3), 3), 'expire-tokens is finishing an earlier run: 5 done');
  assert.equal(progressOf('expire-tokens', at(4), 3), 'expire-tokens runs: 5 done');
});

test('jobs that no process has announced for half an hour are reported', () => {
  const now = Date.UTC(2030, 0, 1);
  assert.equal(silentSince([job({ announceTime: now - 60_000 }), job({})], now), undefined);
  assert.match(silentSince([], now) ?? '', /has reported yet/);
  assert.match(silentSince([job({ announceTime: now - 31 * 60_000 })], now) ?? '', /since 2029-12-31T23:29/);
});
