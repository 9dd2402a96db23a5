import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ProcessStatus } from '@im/contract';
import { FRESH_MS, LOOKS_MS, Reports, type Target } from './reports.ts';

const target = (pod: string, change: Partial<Target> = {}): Target => ({
  pod,
  host: pod,
  role: 'gateway',
  ready: true,
  ...change,
});
const status = (connections: number) => ({ gateway: { connections } }) as unknown as ProcessStatus;

test('a report is an answer for ten seconds, and is kept with its age afterwards', () => {
  const reports = new Reports();
  reports.add('a', { at: 1_000, status: status(7) });
  const fresh = reports.of([target('a')], 1_000 + FRESH_MS);
  assert.equal(fresh.processes.get('a')?.gateway?.connections, 7);
  assert.equal(fresh.complete, true);
  const old = reports.of([target('a')], 1_001 + FRESH_MS);
  assert.equal(old.processes.has('a'), false);
  assert.deepEqual(old.reports.get('a'), { at: 1_000, status: status(7) });
  assert.deepEqual([old.complete, old.silentGateways], [false, ['a']]);
});

test('only ready gateways must have answered', () => {
  const reports = new Reports();
  reports.add('a', { at: 0, status: status(1) });
  const others = [
    target('starting', { ready: false }),
    target('rpc', { role: 'rpc' }),
    // It was created after the last poll.
    target('new'),
  ];
  assert.equal(reports.of([target('a'), ...others.slice(0, 2)], 0).complete, true);
  assert.deepEqual(reports.of([target('a'), ...others], 0).silentGateways, ['new']);
});

test('looks of gateways last a minute, and those of removed pods are dropped', () => {
  const reports = new Reports();
  for (let at = 0; at <= LOOKS_MS; at += 1_500) reports.add('a', { at, status: status(at) });
  const looks = reports.of([target('a')], LOOKS_MS).looks.get('a') ?? [];
  assert.equal(looks.length, 40);
  assert.equal(looks[0]?.at, 1_500);
  assert.equal(reports.of([target('a')], LOOKS_MS + 30_000).looks.get('a')?.[0]?.at, 31_500);
  reports.keep([target('b')]);
  assert.equal(reports.of([target('a')], LOOKS_MS).reports.size, 0);
  assert.equal(reports.of([target('a')], LOOKS_MS).looks.size, 0);
});
