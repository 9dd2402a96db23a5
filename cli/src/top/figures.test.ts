import assert from 'node:assert/strict';
import { test } from 'node:test';
import { figuresOf } from './figures.ts';
import { type ProcessReading, processReading, type Reading } from './reading.ts';

function gateway(name: string, totals: Partial<ProcessReading> = {}): ProcessReading {
  return {
    ...{ name, instance: `${name}-1`, roles: ['gateway'], state: 'ready', tenants: [], tenantsOmitted: 0 },
    ...{ cpuSeconds: 0, rssBytes: 1_048_576, connections: 1, users: 1, sends: 0, pushes: 0, refusals: 0 },
    ...totals,
  };
}

const at = (atMs: number, ...processes: ProcessReading[]): Reading => ({ atMs, processes, problems: [] });
const tenant = (name: string, sends: number, connections = 1) => ({
  ...{ tenant: name, users: connections, connections, sends, refusals: 0, pushes: sends * 2 },
});

test('rates are averages between two readings', () => {
  const before = at(0, gateway('a', { cpuSeconds: 1, sends: 100, pushes: 10 }));
  const now = at(2_000, gateway('a', { cpuSeconds: 2, sends: 300, pushes: 12, refusals: 4 }));
  const figures = figuresOf(now, before, 0);
  assert.equal(figures.seconds, 2);
  assert.partialDeepStrictEqual(figures.processes, [
    {
      process: 'a',
      cpuPercent: 50,
      sendsPerSecond: 100,
      pushesPerSecond: 1,
      refusalsPerSecond: 2,
      lagRecords: null,
    },
  ]);
  assert.partialDeepStrictEqual(figures.totals, { connections: 1, sendsPerSecond: 100, lagRecords: null });
});

test('the total has what the HTTP API takes where a process reports it', () => {
  const before = at(0, gateway('a'), gateway('rpc', { sends: undefined, accepted: 10 }));
  const now = at(1_000, gateway('a', { sends: 3 }), gateway('rpc', { sends: undefined, accepted: 18 }));
  assert.equal(figuresOf(now, before, 0).totals.sendsPerSecond, 8);
});

test('a process that started again, or is new, has no rates below zero or of years', () => {
  const before = at(0, gateway('a', { sends: 1_000 }), gateway('gone', { sends: 9 }));
  const now = at(
    1_000,
    gateway('a', { instance: 'a-2', sends: 5 }),
    gateway('new', { sends: 1_000_000, tenants: [tenant('t1', 1_000_000)] }),
  );
  const { processes, tenants } = figuresOf(now, before, 0);
  assert.deepEqual(
    processes.map(({ sendsPerSecond }) => sendsPerSecond),
    [5, null],
  );
  assert.partialDeepStrictEqual(tenants, [{ tenant: 't1', connections: 1, sendsPerSecond: 0 }]);
});

test('a tenant is summed over its gateways', () => {
  const before = at(
    0,
    gateway('a', { tenants: [tenant('t1', 10), tenant('t2', 0, 0)] }),
    gateway('b', { tenants: [tenant('t1', 20)] }),
  );
  const now = at(
    1_000,
    gateway('a', { tenants: [tenant('t1', 13), tenant('t2', 0, 0), tenant('t3', 4)] }),
    gateway('b', { tenants: [tenant('t1', 24)], tenantsOmitted: 7 }),
  );
  const { tenants, tenantsOmitted } = figuresOf(now, before, 0);
  assert.deepEqual(tenants, [
    {
      ...{ tenant: 't1', gateways: 2, users: 2, connections: 2 },
      ...{ sendsPerSecond: 7, pushesPerSecond: 14, refusalsPerSecond: 0 },
    },
    {
      ...{ tenant: 't2', gateways: 0, users: 0, connections: 0 },
      ...{ sendsPerSecond: 0, pushesPerSecond: 0, refusalsPerSecond: 0 },
    },
    {
      ...{ tenant: 't3', gateways: 1, users: 1, connections: 1 },
      ...{ sendsPerSecond: 4, pushesPerSecond: 8, refusalsPerSecond: 0 },
    },
  ]);
  assert.equal(tenantsOmitted, 7);
});

test('a process of an earlier version has no tenants, and a transfer no connections', () => {
  const status = {
    instance: 'x',
    roles: ['transfer'],
    ready: false,
    reason: 'no NATS',
    rssBytes: 5,
    eventLoopDelayMs: 1,
  };
  const reading = processReading('x', {
    status: JSON.stringify({ ...status, transfer: { lagRecords: 12 } }),
    metrics: 'process_cpu_seconds_total 1.5\nopenim_msg_limited_total{limit="user"} 3\n',
  });
  assert.partialDeepStrictEqual(reading, {
    ...{ state: 'no NATS', cpuSeconds: 1.5, lagRecords: 12, refusals: 3, tenants: [], tenantsOmitted: 0 },
  });
  assert.equal(reading.connections, undefined);
});
