import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  allPods,
  condition,
  gateway,
  NOW,
  observation,
  pod,
  processStatus,
  statusOf,
} from '../../../../test/status-fixture.ts';
import { effectiveSpec, rolesOf } from '../../../resources/effective.ts';
import { CONDITIONS } from './conditions.ts';
import { byVersion } from './status-components.ts';

/** Conditions that are false when all is well. */
const FALSE_WHEN_GOOD = new Set(['Paused', 'Progressing', 'Reconciling', 'Stalled']);
const MINUTE = 60_000;

test('a cluster with all components available is ready, and its figures add up', () => {
  const status = statusOf();
  assert.deepEqual(
    status.conditions?.map(({ type, status: holds }) => [type, holds]),
    CONDITIONS.map((type) => [type, FALSE_WHEN_GOOD.has(type) ? 'False' : 'True']),
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

test('pods of NATS that are missing say what it means for messages; those of other stores have no majority', () => {
  const effective = effectiveSpec({ profile: 'Production' } as never, { version: '1.2.3', image: 'im:1' });
  const others = allPods.filter(({ metadata }) => !/^(nats|redis)-/.test(metadata.name));
  const withServers = (count: number) => {
    const servers = Array.from({ length: count }, (_, i) => pod('nats', `nats-${i}`));
    return statusOf({ effective, pods: [...others, ...servers] });
  };
  const two = condition(withServers(2), 'NATSAvailable');
  assert.partialDeepStrictEqual(two, { status: 'False', reason: 'PodsNotReady' });
  assert.match(
    two.message,
    /^2 of 3 pods ready: .*; messages are accepted, but if another server fails, none/,
  );
  assert.match(
    condition(withServers(1), 'NATSAvailable').message,
    /^1 of 3 .* refused with a retryable error/,
  );
  assert.doesNotMatch(condition(withServers(3), 'RedisAvailable').message, /messages/);
});

test('copies of the log that are missing make NATS unavailable, and say what another failure would do', () => {
  const nats = { kind: 'external', replicas: 3 };
  const withCopies = (logCopies: number, logCopiesCurrent: number) =>
    condition(
      statusOf({
        effective: { ...statusOf().effective, nats } as never,
        observation: {
          ...observation,
          stores: { ...observation.stores, nats: { ok: true, detail: { logCopies, logCopiesCurrent } } },
        },
      }),
      'NATSAvailable',
    );
  assert.equal(withCopies(3, 3).status, 'True');
  const two = withCopies(3, 2);
  assert.partialDeepStrictEqual(two, { status: 'False', reason: 'LogCopiesMissing' });
  assert.match(two.message, /^2 of 3 copies .* accepted, but if another server fails, none are; start the/);
  assert.match(withCopies(3, 1).message, /^1 of 3 copies .* refused with a retryable error/);
  assert.match(
    withCopies(1, 1).message,
    /num_replicas of the stream to 3, or spec\.nats\.external\.replicas to 1/,
  );
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
    pods: allPods.filter(({ metadata }) => metadata.name !== 'transfer-1'),
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
  assert.equal(condition(refused, 'Progressing').reason, 'SpecRefused');
  assert.equal(condition(refused, 'Stalled').status, 'True');
  assert.equal(condition(refused, 'Available').status, 'True');
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
  const status = statusOf({ before: statusOf({ generation: 6 }), pods: [...allPods, stuck], rollout });
  assert.equal(condition(status, 'Available').status, 'True');
  assert.equal(condition(status, 'Ready').status, 'Unknown');
  assert.equal(condition(status, 'Progressing').reason, 'PodsFailing');
  assert.match(
    condition(status, 'Progressing').message,
    /^rpc: .*1 of 2 pods updated; rpc-new ImagePullBackOff: Back-off pulling image "im:2"; correct the spec/,
  );
  assert.equal(condition(statusOf({ rollout }), 'Progressing').reason, 'RollingOut');
});

test('processes that have not loaded the latest settings are counted', () => {
  assert.equal(statusOf({ configHashes: new Set(['h']) }).rollout?.message, 'All components match the spec.');
  assert.match(
    statusOf({ configHashes: new Set(['new']) }).rollout?.message ?? '',
    /match the spec\. 4 processes have not loaded the latest settings yet\./,
  );
});

/** A look that has not happened: what an operator knows at its start. */
const nothing = { ...observation, processes: new Map(), stores: {}, observedAt: undefined };
const at = (ms: number) => new Date(NOW.getTime() + ms);

test('an operator that has not looked yet repeats what was known, with its time', () => {
  const before = statusOf();
  assert.equal(before.observedAt, '2026-01-01T00:00:00Z');
  const after = statusOf({ before, observation: nothing, now: at(5 * MINUTE) });
  assert.deepEqual(after, before);
});

test('an operator that has never looked does not make figures up', () => {
  const status = statusOf({ observation: nothing });
  assert.equal(status.connections, undefined);
  assert.equal(status.log, undefined);
  assert.equal(condition(status, 'NATSAvailable').reason, 'NotChecked');
  assert.equal(condition(status, 'MessagesFlowing').status, 'Unknown');
});

test('a transfer that does not answer for a moment stops no messages, one that is not ready does', () => {
  const processes = new Map([...observation.processes].filter(([name]) => name !== 'transfer-1'));
  const silent = { observation: { ...observation, processes }, before: statusOf() };
  assert.equal(condition(statusOf(silent), 'MessagesFlowing').status, 'True');
  assert.equal(
    condition(statusOf({ ...silent, before: undefined }), 'MessagesFlowing').reason,
    'NotAnswered',
  );
  const dead = pod('transfer', 'transfer-1', { ready: false });
  const pods = allPods.map((each) => (each.metadata.name === 'transfer-1' ? dead : each));
  assert.equal(condition(statusOf({ ...silent, pods }), 'MessagesFlowing').reason, 'PartitionsWaiting');
});

test('figures are written every ten seconds at most, and rounded', () => {
  const busy = (connections: number) => ({
    ...observation,
    processes: new Map([['gateway-0', processStatus({ gateway: gateway(connections) })]]),
  });
  const first = statusOf({ observation: { ...busy(12_345), observedAt: NOW.getTime() } });
  assert.equal(first.connections, 12_300);
  const soon = statusOf({
    before: first,
    now: at(9_000),
    observation: { ...busy(20_000), observedAt: at(9_000).getTime() },
  });
  assert.deepEqual([soon.connections, soon.observedAt], [12_300, first.observedAt]);
  const later = statusOf({
    before: soon,
    now: at(10_000),
    observation: { ...busy(20_000), observedAt: at(10_000).getTime() },
  });
  assert.deepEqual([later.connections, later.observedAt], [20_000, '2026-01-01T00:00:10Z']);
});

test('a condition is written at once, though figures are not', () => {
  const first = statusOf();
  const stores = {
    ...observation.stores,
    redis: { ok: false, reason: 'Unreachable', message: 'no' } as const,
  };
  const soon = statusOf({ before: first, now: at(1_000), observation: { ...observation, stores } });
  assert.equal(condition(soon, 'RedisAvailable').status, 'False');
});

test('a gateway that is silent for a moment keeps its connections in the sum', () => {
  const before = statusOf();
  const processes = new Map([...observation.processes].filter(([name]) => name !== 'gateway-1'));
  const status = statusOf({ before, now: at(MINUTE), observation: { ...observation, processes } });
  assert.equal(status.connections, 7);
});

test('status lists the gateways that drain and the worst, and counts the rest', () => {
  const names = Array.from({ length: 200 }, (_, i) => `gateway-${String(i).padStart(3, '0')}`);
  const pods = names.map((name, i) => pod('gateway', name, { label: 'rev', ready: i !== 150 }));
  const processes = new Map(
    names.map((name, i) => [
      name,
      processStatus({ gateway: { ...gateway(i), draining: i < 40, drainRemaining: i } }),
    ]),
  );
  const status = statusOf({ pods, observation: { ...observation, processes } });
  assert.equal(status.gateways?.length, 50);
  assert.equal(status.gatewaysOmitted, 150);
  assert.equal(status.gateways?.filter(({ draining }) => draining).length, 30);
  assert.ok(
    status.gateways?.some(({ pod: name }) => name === 'gateway-150'),
    'the one that is not ready',
  );
  assert.ok(
    status.gateways?.some(({ pod: name }) => name === 'gateway-199'),
    'the one with most connections',
  );
  assert.equal(status.connections, 19_900);
});

test('one gateway of many that is not ready leaves the cluster ready; one of a few does not', () => {
  const withGateways = (count: number, unready: number) => {
    const others = allPods.filter(({ metadata }) => !metadata.name.startsWith('gateway-'));
    const gateways = Array.from({ length: count }, (_, i) =>
      pod('gateway', `gateway-${i}`, { label: 'rev', ready: i >= unready }),
    );
    const base = statusOf().effective as { gateway: { replicas: number } };
    return statusOf({
      pods: [...others, ...gateways],
      effective: { ...base, gateway: { ...base.gateway, replicas: count } } as never,
    });
  };
  const one = withGateways(1_000, 1);
  assert.equal(condition(one, 'Ready').status, 'True');
  assert.equal(condition(one, 'WorkloadsAvailable').reason, 'SomeNotReady');
  assert.match(condition(one, 'WorkloadsAvailable').message, /gateway: 999 of 1000 ready/);
  assert.equal(condition(withGateways(1_000, 101), 'Ready').status, 'False');
  assert.equal(condition(withGateways(9, 1), 'Ready').status, 'False');
});

test('nothing is ready for a new generation before that is rolled out', () => {
  const first = statusOf({ generation: 1 });
  assert.equal(condition(first, 'Ready').status, 'True');
  const rollout = { stage: 'rpc', message: '1 of 2 pods updated' };
  const rolling = statusOf({ before: first, generation: 2, rollout });
  assert.partialDeepStrictEqual(condition(rolling, 'Ready'), { status: 'Unknown', reason: 'RollingOut' });
  assert.equal(condition(rolling, 'Ready').observedGeneration, 2);
  assert.equal(condition(rolling, 'Available').status, 'True');
  assert.equal(condition(rolling, 'Reconciling').status, 'True');
  assert.equal(condition(rolling, 'Stalled').status, 'False');
  const done = statusOf({ before: rolling, generation: 2 });
  assert.equal(condition(done, 'Ready').status, 'True');
  assert.equal(condition(done, 'Reconciling').status, 'False');
});

test('a first start is not a fault, and a failed step before it does not complete it', () => {
  const starting = statusOf({ pods: [], observation: nothing, rollout: { stage: 'stores', message: 'x' } });
  assert.equal(condition(starting, 'Ready').status, 'Unknown');
  const failed = statusOf({ before: starting, rollout: { message: 'unchanged' }, failure: 'quota' });
  assert.equal(condition(failed, 'Ready').status, 'Unknown');
  assert.equal(failed.rollout?.completedGeneration, undefined);
  assert.equal(failed.rollout?.stage, 'stores');
});

test('a rollout with a fault that lasts is stalled, not reconciling', () => {
  const waiting = { reason: 'ImagePullBackOff', message: 'no such image' };
  const stuck = pod('rpc', 'rpc-new', { ready: false, state: { waiting } });
  const old = { ...stuck, metadata: { ...stuck.metadata, creationTimestamp: at(-3 * MINUTE).toISOString() } };
  const fresh = { ...stuck, metadata: { ...stuck.metadata, creationTimestamp: at(-1_000).toISOString() } };
  const rollout = { stage: 'rpc', message: '1 of 2 pods updated' };
  const statusWith = (each: typeof stuck) =>
    statusOf({ before: statusOf({ generation: 6 }), pods: [...allPods, each], rollout });
  assert.equal(condition(statusWith(fresh), 'Stalled').status, 'False');
  assert.equal(condition(statusWith(old), 'Stalled').reason, 'PodsFailing');
  assert.equal(condition(statusWith(old), 'Reconciling').status, 'False');
  assert.equal(condition(statusWith(old), 'Ready').status, 'False');
});

test('a status of a version before, which does not name the completed generation, stays ready', () => {
  const { rollout: _, ...before } = statusOf({ generation: 7 });
  assert.equal(condition(statusOf({ before, observation: nothing }), 'Ready').status, 'True');
  const rolling = statusOf({ before, rollout: { stage: 'api', message: 'x' } });
  assert.equal(rolling.rollout?.completedGeneration, 7);
  assert.equal(condition(rolling, 'Ready').status, 'True');
});

test('during deletion conditions stay as they were, but for those about it', () => {
  const before = statusOf();
  const rollout = { stage: 'deletion', message: '3 processes are stopping' };
  const status = statusOf({ before, deleting: true, pods: [], observation: nothing, rollout });
  assert.partialDeepStrictEqual(condition(status, 'Ready'), { status: 'False', reason: 'Deleting' });
  assert.equal(condition(status, 'NATSAvailable').status, 'True');
  assert.equal(condition(status, 'Progressing').reason, 'Deleting');
});

test('the version is the oldest by number, not by text', () => {
  const processes = new Map([
    ['gateway-0', processStatus({ version: '0.10.0' })],
    ['gateway-1', processStatus({ version: '0.9.0' })],
  ]);
  assert.equal(statusOf({ observation: { ...observation, processes } }).version, '0.9.0');
  assert.deepEqual(['1.0.0', '0.10.0', '1.0.0-rc.1', '0.9.0'].sort(byVersion), [
    '0.9.0',
    '0.10.0',
    '1.0.0-rc.1',
    '1.0.0',
  ]);
});

test('a new operator keeps the versions of all roles until its first poll is complete', () => {
  const wanted = effectiveSpec(
    { prober: { enabled: true }, console: { replicas: 1 } },
    { version: '1.2.3', image: 'im:1' },
  );
  const roles = rolesOf(wanted);
  const components = roles.map((name) => ({ name, ready: 1, desired: 1, version: '1.2.2' }));
  const versionsOf = (observedAt: number | undefined) =>
    statusOf({
      effective: wanted,
      before: { components },
      observation: { ...observation, processes: new Map(), observedAt },
    })
      .components?.filter(({ name }) => roles.some((role) => role === name))
      .map(({ name, version }) => [name, version]);
  assert.deepEqual(
    versionsOf(undefined),
    roles.map((role) => [role, '1.2.2']),
  );
  assert.deepEqual(
    versionsOf(NOW.getTime()),
    roles.map((role) => [role, undefined]),
    'nothing answers',
  );
});

test('a build is part of the version, and of two builds the one that is replaced is the version', () => {
  const image = (build: string) => `registry.test/openim:1.2.3-${build}`;
  const running = (name: string, build: string) => ({
    ...pod('gateway', name, { label: 'rev' }),
    spec: { containers: [{ name: 'gateway', image: image(build) }] },
  });
  const effective = { ...statusOf().effective, image: image('a1') } as never;
  const processes = new Map(['g-0', 'g-1'].map((name) => [name, processStatus()]));
  const versionOf = (...pods: ReturnType<typeof running>[]) =>
    statusOf({ pods, effective, observation: { ...observation, processes } });
  const during = versionOf(running('g-0', 'a1'), running('g-1', 'b2'));
  assert.equal(during.version, '1.2.3-b2');
  assert.equal(during.components?.find(({ name }) => name === 'gateway')?.version, '1.2.3-a1, 1.2.3-b2');
  const after = versionOf(running('g-0', 'a1'), running('g-1', 'a1'));
  assert.equal(after.version, '1.2.3-a1');
  assert.equal(after.effective?.version, after.version);
});

test('gateways of other revisions count neither as replicas nor as ready', () => {
  const old = ['a', 'b', 'c'].map((name) => pod('gateway', `old-${name}`, { label: 'old' }));
  const status = statusOf({ pods: [...allPods, ...old] });
  assert.equal(status.gatewaysReady, '2/2');
  assert.equal(status.gatewayReplicas, 2);
});

test('effective storage is that of the volumes, and the version that of the image', () => {
  const claim = (size: string) => ({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: {
      name: 'data-chat-nats-0',
      uid: 'c',
      resourceVersion: '1',
      labels: { 'app.kubernetes.io/component': 'nats' },
    },
    spec: { storageClassName: 'fast', resources: { requests: { storage: '200Gi' } } },
    status: { capacity: { storage: size } },
  });
  const base = statusOf().effective;
  const status = statusOf({
    volumes: [claim('100Gi')],
    effective: { ...base, image: 'registry.test/openim:2.0.0' } as never,
  });
  assert.partialDeepStrictEqual(status.effective, {
    version: '2.0.0',
    nats: { storage: { size: '100Gi', storageClassName: 'fast' } },
  });
});
