import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ProcessStatus } from '@im/contract';
import type { Pod, Stored } from '@im/kube';
import { effectiveSpec } from '../../resources/effective.ts';
import { labelsOf, REVISION_LABEL, ROLES, type Role } from '../../resources/names.ts';
import { CONDITIONS } from './conditions.ts';
import type { Observation, StatusInput } from './observation.ts';
import { clusterStatus } from './status.ts';

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

function processStatus(change: Partial<ProcessStatus> = {}): ProcessStatus {
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
const observation: Observation = {
  processes: new Map([
    ['gateway-0', processStatus({ gateway: gateway(3) })],
    ['gateway-1', processStatus({ gateway: gateway(4) })],
    [
      'transfer-0',
      processStatus({
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
      processStatus({
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
    observation,
    rollout: { message: 'All components match the spec.' },
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

test('a cluster with all components available is ready, and its figures add up', () => {
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

test('a dead pod makes the cluster not ready, and is named with its exit code', () => {
  const dead = pod('rpc', 'rpc-0', { ready: false, state: { terminated: { exitCode: 137 } } });
  const status = statusOf({ pods: allPods.map((each) => (each.metadata.name === 'rpc-0' ? dead : each)) });
  const ready = condition(status, 'Ready');
  assert.equal(ready.status, 'False');
  assert.match(ready.message, /rpc: 1 of 2 ready: rpc-0 exited with code 137/);
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
      ...observation,
      stores: { ...observation.stores, redis: { ok: false, reason: 'Unreachable', message: 'no answer' } },
    },
  });
  assert.partialDeepStrictEqual(condition(failed, 'RedisAvailable'), {
    status: 'False',
    reason: 'Unreachable',
  });
  const waiting = statusOf({
    observation: {
      ...observation,
      processes: new Map([
        [
          'transfer-0',
          processStatus({
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
  const refused = statusOf({
    refusal: { reason: 'SecretMissing', message: 'spec.x: Secret y does not exist' },
  });
  assert.partialDeepStrictEqual(condition(refused, 'Accepted'), { status: 'False', reason: 'SecretMissing' });
  assert.match(condition(refused, 'Ready').message, /Secret y does not exist/);
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

test('a rollout keeps its start time until it ends', () => {
  const started = statusOf({ rollout: { stage: 'rpc', message: 'one' } });
  assert.deepEqual(started.rollout, { stage: 'rpc', message: 'one', startedAt: '2026-01-01T00:00:00Z' });
  const later = new Date('2026-01-01T00:05:00Z');
  const on = statusOf({ before: started, now: later, rollout: { stage: 'api', message: 'two' } });
  assert.equal(on.rollout?.startedAt, '2026-01-01T00:00:00Z');
  assert.equal(condition(on, 'Progressing').status, 'True');
});

test('a blocked rollout names the failing pod and its fault, while the old pods serve', () => {
  const waiting = { reason: 'ImagePullBackOff', message: 'Back-off pulling image "im:2"' };
  const stuck = pod('rpc', 'rpc-new', { ready: false, state: { waiting } });
  const rollout = { stage: 'rpc', message: 'chat-rpc: 1 of 2 pods updated' };
  const status = statusOf({ pods: [...allPods, stuck], rollout });
  assert.equal(condition(status, 'Ready').status, 'True');
  assert.equal(condition(status, 'Progressing').reason, 'PodsFailing');
  assert.match(
    condition(status, 'Progressing').message,
    /^rpc: .*1 of 2 pods updated; rpc-new ImagePullBackOff: Back-off pulling image "im:2"; correct the spec/,
  );
  assert.equal(condition(statusOf({ rollout }), 'Progressing').reason, 'RollingOut');
});

test('processes that have not loaded the latest settings are counted', () => {
  assert.equal(statusOf({ configHash: 'h' }).rollout?.message, 'All components match the spec.');
  assert.match(
    statusOf({ configHash: 'new' }).rollout?.message ?? '',
    /match the spec\. 4 processes have not loaded the latest settings yet\./,
  );
});
