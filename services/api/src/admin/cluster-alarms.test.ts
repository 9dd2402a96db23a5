import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ClusterProcess } from '@im/admin-api';
import { clusterAlarms } from './cluster-alarms.ts';

const HEALTHY: ClusterProcess = {
  ...{ instance: 'a', address: '10.0.0.1:10003', roles: ['all'], version: '1.0.0', ready: true, reason: '' },
  ...{ startTime: 1, rssBytes: 1, eventLoopDelayMs: 3, invalidTenants: 0 },
  gateway: {
    ...{ connections: 10, maxConnections: 1_000, handshakesPerSecond: 1, refusedPerSecond: 0 },
    ...{ draining: false, drainRemaining: 0, drainPerSecond: 0, drainEtaSeconds: 0 },
  },
  transfer: { partitions: 64, lagRecords: 5, parkedTenants: 0, parkedConversations: 0, parkedRecords: 0 },
};
const LOG = { bytes: 10, maxBytes: 1_000 };

const alarmsOf = (changes: Partial<ClusterProcess>, log: typeof LOG | undefined = LOG) =>
  clusterAlarms({ processes: [{ ...HEALTHY, ...changes }], log }).map(({ kind, severity, value }) => [
    kind,
    severity,
    value,
  ]);
const gateway = (changes: Partial<NonNullable<ClusterProcess['gateway']>>) => ({
  gateway: { ...HEALTHY.gateway, ...changes } as NonNullable<ClusterProcess['gateway']>,
});
const transfer = (changes: Partial<NonNullable<ClusterProcess['transfer']>>) => ({
  transfer: { ...HEALTHY.transfer, ...changes } as NonNullable<ClusterProcess['transfer']>,
});

test('a healthy cluster has no alarm, and one that drains a gateway a notice', () => {
  assert.deepEqual(alarmsOf({}), []);
  const draining = { ...gateway({ draining: true, drainRemaining: 7 }), ready: false, reason: 'draining' };
  assert.deepEqual(alarmsOf(draining), [['draining', 'info', 7]]);
});

test('each fault has its alarm, with how much of it there is', () => {
  assert.deepEqual(alarmsOf({ ready: false, reason: 'mongo: no server' }), [['notReady', 'critical', 0]]);
  assert.deepEqual(alarmsOf({ reason: 'bus: no server' }), [['degraded', 'critical', 0]]);
  assert.deepEqual(alarmsOf({ invalidTenants: 2 }), [['invalidTenants', 'warning', 2]]);
  assert.deepEqual(alarmsOf({ eventLoopDelayMs: 250.4 }), [['slowProcess', 'warning', 250]]);
  assert.deepEqual(alarmsOf(gateway({ connections: 950 })), [['gatewayFull', 'warning', 95]]);
  assert.deepEqual(alarmsOf(gateway({ refusedPerSecond: 4 })), [['gatewayRefuses', 'warning', 4]]);
  assert.deepEqual(alarmsOf(transfer({ partitions: 60 })), [['partitionsUnowned', 'critical', 4]]);
  assert.deepEqual(alarmsOf(transfer({ lagRecords: 20_000 })), [['lag', 'warning', 20_000]]);
  assert.deepEqual(alarmsOf(transfer({ parkedRecords: 3 })), [['parked', 'critical', 3]]);
  assert.deepEqual(alarmsOf({}, { bytes: 750, maxBytes: 1_000 }), [['logFull', 'warning', 75]]);
  assert.deepEqual(alarmsOf({}, { bytes: 950, maxBytes: 1_000 }), [['logFull', 'critical', 95]]);
});

test('roles that no process has are named; without an answer of NATS that alone is said', () => {
  const kinds = (processes: readonly ClusterProcess[], log: typeof LOG | undefined) =>
    clusterAlarms({ processes, log }).map(({ kind, subject }) => `${kind} ${subject}`);
  const { transfer: _, gateway: __, ...plain } = HEALTHY;
  assert.deepEqual(
    kinds(
      [
        { ...plain, roles: ['api'] },
        { ...plain, roles: ['rpc'] },
      ],
      LOG,
    ),
    ['roleMissing gateway', 'roleMissing transfer'],
  );
  assert.deepEqual(kinds([], undefined), ['logUnknown message log']);
  assert.deepEqual(kinds([HEALTHY, { ...HEALTHY, version: '' }], LOG), ['versionsDiffer processes']);
});

test('the worst comes first, and each says what to do', () => {
  const processes = [{ ...HEALTHY, eventLoopDelayMs: 300, reason: 'redis: no server' }];
  const alarms = clusterAlarms({ processes, log: LOG });
  assert.deepEqual(
    alarms.map(({ severity }) => severity),
    ['critical', 'warning'],
  );
  for (const { message, remedy, kind } of alarms) assert.ok(message !== '' && remedy !== '', kind);
});
