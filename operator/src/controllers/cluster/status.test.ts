import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ProcessStatus } from '@im/contract';
import type { Pod, Stored } from '@im/kube';
import { effectiveSpec } from '../../resources/effective.ts';
import { labelsOf, REVISION_LABEL, ROLES, type Role } from '../../resources/names.ts';
import { CONDITIONS } from './conditions.ts';
import type { Observation } from './observation.ts';
import { clusterStatus } from './status.ts';
import type { StatusInput } from './status-input.ts';

const owner = { name: 'chat', namespace: 'im', uid: 'u' };
const effective = effectiveSpec({}, { version: '1.2.3', image: 'im:1' });
const NOW = new Date('2026-01-01T00:00:00Z');

function pod(
  component: string,
  name: string,
  change: { ready?: boolean; state?: object; label?: string } = {},
) {
  const { ready = true, state = { running: {} }, label } = change;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      uid: name,
      resourceVersion: '1',
      labels: {
        ...labelsOf('chat'),
        'app.kubernetes.io/component': component,
        ...(label === undefined ? {} : { [REVISION_LABEL]: label }),
      },
    },
    status: {
      phase: 'Running',
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
      containerStatuses: [{ name: 'c', state, restartCount: ready ? 0 : 1 }],
    },
  } as unknown as Stored<Pod>;
}

function told(change: Partial<ProcessStatus> = {}): ProcessStatus {
  return {
    version: '1.2.3',
    instance: 'i',
    roles: [],
    ready: true,
    startedAt: 0,
    configHash: 'h',
    eventLoopDelayMs: 1,
    rssBytes: 1,
    ...change,
  };
}

const podsOf = (role: Role) =>
  Array.from({ length: effective[role].replicas }, (_, i) =>
    pod(role, `${role}-${i}`, role === 'gateway' ? { label: 'rev' } : {}),
  );
const allPods = [
  ...ROLES.flatMap(podsOf),
  pod('nats', 'nats-0'),
  pod('mongodb', 'mongodb-0'),
  pod('redis', 'redis-0'),
  pod('object-storage', 'object-storage-0'),
];
const gateway = (connections: number) => ({
  connections,
  users: connections,
  handshakesPerSecond: 0,
  draining: false,
  drainRemaining: 0,
  drainEtaSeconds: 0,
});
const seen: Observation = {
  processes: new Map([
    ['gateway-0', told({ gateway: gateway(3) })],
    ['gateway-1', told({ gateway: gateway(4) })],
    [
      'transfer-0',
      told({
        transfer: {
          partitions: 40,
          lagRecords: 2,
          parkedTenants: 0,
          parkedConversations: 0,
          parkedRecords: 0,
        },
      }),
    ],
    [
      'transfer-1',
      told({
        transfer: {
          partitions: 24,
          lagRecords: 1,
          parkedTenants: 0,
          parkedConversations: 0,
          parkedRecords: 0,
        },
      }),
    ],
  ]),
  stores: {
    nats: { ok: true, detail: { logBytes: 10, logMaxBytes: 100 } },
    mongodb: { ok: true, detail: {} },
    redis: { ok: true, detail: {} },
    objectStorage: { ok: true, detail: {} },
  },
};

function statusOf(change: Partial<StatusInput> = {}) {
  return clusterStatus({
    owner,
    generation: 7,
    effective,
    pods: allPods,
    updated: {},
    observation: seen,
    rollout: { message: 'Every part is as the spec says.' },
    gatewayRevision: 'rev',
    endpoints: { api: 'http://a', webSocket: 'ws://a', objectStorage: 'http://o' },
    partitions: 64,
    before: undefined,
    now: NOW,
    ...change,
  });
}

function condition(status: ReturnType<typeof statusOf>, type: string) {
  const found = status.conditions?.find((each) => each.type === type);
  assert.ok(found, type);
  return found;
}

test('a cluster whose parts all work is ready, and its figures add up', () => {
  const status = statusOf();
  assert.deepEqual(
    status.conditions?.map(({ type, status: holds }) => [type, holds]),
    CONDITIONS.map((type) => [type, type === 'Progressing' ? 'False' : 'True']),
  );
  assert.equal(status.connections, 7);
  assert.equal(status.gatewaysReady, '2/2');
  assert.equal(status.gatewayReplicas, 2);
  assert.deepEqual(status.log, {
    lagRecords: 3,
    parkedTenants: 0,
    parkedConversations: 0,
    bytes: 10,
    maxBytes: 100,
  });
  assert.equal(status.version, '1.2.3');
  assert.ok(status.components?.every(({ ready, desired }) => ready === desired));
});

test('a pod that died makes it not ready, and is named with its exit code', () => {
  const dead = pod('rpc', 'rpc-0', { ready: false, state: { terminated: { exitCode: 137 } } });
  const status = statusOf({ pods: allPods.map((each) => (each.metadata.name === 'rpc-0' ? dead : each)) });
  const ready = condition(status, 'Ready');
  assert.equal(ready.status, 'False');
  assert.match(ready.message, /rpc: 1 of 2 ready: rpc-0 ended with exit code 137/);
});

test('a store is unavailable as soon as its pod is, before the next check', () => {
  const gone = allPods.filter(({ metadata }) => metadata.name !== 'nats-0');
  const status = statusOf({ pods: gone });
  assert.equal(condition(status, 'NATSAvailable').status, 'False');
  assert.equal(condition(status, 'RedisAvailable').status, 'True');
});

test('a failed check, waiting partitions and a refused spec each have a condition that says so', () => {
  const failed = statusOf({
    observation: {
      ...seen,
      stores: { ...seen.stores, redis: { ok: false, reason: 'Unreachable', message: 'nobody' } },
    },
  });
  assert.partialDeepStrictEqual(condition(failed, 'RedisAvailable'), {
    status: 'False',
    reason: 'Unreachable',
  });
  const waiting = statusOf({
    observation: {
      ...seen,
      processes: new Map([
        [
          'transfer-0',
          told({
            transfer: {
              partitions: 40,
              lagRecords: 0,
              parkedTenants: 0,
              parkedConversations: 0,
              parkedRecords: 0,
            },
          }),
        ],
      ]),
    },
  });
  assert.match(condition(waiting, 'MessagesFlowing').message, /40 of 64 partitions/);
  const refused = statusOf({ refusal: { reason: 'SecretMissing', message: 'spec.x: there is no Secret y' } });
  assert.partialDeepStrictEqual(condition(refused, 'Accepted'), { status: 'False', reason: 'SecretMissing' });
  assert.match(condition(refused, 'Ready').message, /there is no Secret y/);
});

test('times of conditions move only when their status flips', () => {
  const first = statusOf();
  const later = new Date('2026-01-01T01:00:00Z');
  const same = statusOf({ before: first, now: later });
  assert.deepEqual(same.conditions, first.conditions);
  const flipped = statusOf({ before: first, now: later, pods: [] });
  assert.equal(condition(flipped, 'Ready').lastTransitionTime, '2026-01-01T01:00:00Z');
  assert.equal(condition(flipped, 'Accepted').lastTransitionTime, '2026-01-01T00:00:00Z');
});

test('a roll-out keeps its beginning until it ends', () => {
  const begun = statusOf({ rollout: { stage: 'rpc', message: 'one' } });
  assert.deepEqual(begun.rollout, { stage: 'rpc', message: 'one', startedAt: '2026-01-01T00:00:00Z' });
  const later = new Date('2026-01-01T00:05:00Z');
  const on = statusOf({ before: begun, now: later, rollout: { stage: 'api', message: 'two' } });
  assert.equal(on.rollout?.startedAt, '2026-01-01T00:00:00Z');
  assert.equal(condition(on, 'Progressing').status, 'True');
});

test('a roll-out that stands still tells which pod does not run and why, while old ones serve', () => {
  const waiting = { reason: 'ImagePullBackOff', message: 'Back-off pulling image "im:2"' };
  const stuck = pod('rpc', 'rpc-new', { ready: false, state: { waiting } });
  const rollout = { stage: 'rpc', message: 'chat-rpc: 1 of 2 pods are new' };
  const status = statusOf({ pods: [...allPods, stuck], rollout });
  assert.equal(condition(status, 'Ready').status, 'True');
  assert.equal(condition(status, 'Progressing').reason, 'PodsFailing');
  assert.match(
    condition(status, 'Progressing').message,
    /^rpc: .*1 of 2 pods are new; rpc-new ImagePullBackOff: Back-off pulling image "im:2"; correct the spec/,
  );
  assert.equal(condition(statusOf({ rollout }), 'Progressing').reason, 'RollingOut');
});

test('processes that have not read the newest settings are counted, as long as there are any', () => {
  assert.equal(statusOf({ configHash: 'h' }).rollout?.message, 'Every part is as the spec says.');
  assert.match(
    statusOf({ configHash: 'new' }).rollout?.message ?? '',
    /as the spec says\. 4 processes have not read the newest settings yet\./,
  );
});
