import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allPods, NOW, observation, pod, statusOf } from '../../../../test/status-fixture.ts';
import type { OpenIMClusterStatus } from '../../../gen/openimcluster.ts';
import { monitoringApplied } from '../monitoring.ts';
import { eventsOf } from './cluster-events.ts';

const nothing = { ...observation, processes: new Map(), stores: {}, observedAt: undefined };

/** The events of a cluster that has these statuses one after the other, as `type reason`. */
function story(...statuses: readonly OpenIMClusterStatus[]): string[] {
  return statuses.flatMap((status, i) =>
    eventsOf(statuses[i - 1], status).map(({ type, reason }) => `${type} ${reason}`),
  );
}

function firstStart(): OpenIMClusterStatus[] {
  const empty = { pods: [], observation: nothing };
  const stores = statusOf({ ...empty, rollout: { stage: 'stores', message: 'a' } });
  const rpc = statusOf({ ...empty, before: stores, rollout: { stage: 'rpc', message: 'b' } });
  const gateway = statusOf({ pods: [], before: rpc, rollout: { stage: 'gateway', message: 'c' } });
  return [stores, rpc, gateway, statusOf({ before: gateway })];
}

test('a first start is reported in steps, without a Warning', () => {
  assert.deepEqual(story(...firstStart()), [
    'Normal RolloutStarted',
    'Normal RolloutContinued',
    'Normal RolloutContinued',
    'Normal RolloutFinished',
    'Normal Ready',
  ]);
});

test('a fault and its end are reported once; a change of the operator is not', () => {
  const running = statusOf();
  const stores = {
    ...observation.stores,
    redis: { ok: false, reason: 'Unreachable', message: 'no' } as const,
  };
  const failed = statusOf({ before: running, observation: { ...observation, stores } });
  const taken = statusOf({ before: failed, observation: nothing });
  assert.deepEqual(story(running, failed, taken, statusOf({ before: taken })).slice(-3), [
    'Warning RedisUnavailable',
    'Normal RedisAvailable',
    'Normal Ready',
  ]);
});

test('pods that a rollout replaces are no fault', () => {
  const running = statusOf({ generation: 6 });
  const rollout = { stage: 'rpc', message: '1 of 2 pods updated' };
  const unready = allPods.map((each) =>
    each.metadata.name === 'rpc-0' ? pod('rpc', 'rpc-0', { ready: false }) : each,
  );
  const rolling = statusOf({ before: running, rollout, pods: unready });
  const done = statusOf({ before: rolling });
  assert.deepEqual(story(running, rolling, done).slice(-3), [
    'Normal RolloutStarted',
    'Normal RolloutFinished',
    'Normal Ready',
  ]);
});

test('a bad image is reported as it fails and as it stalls, and so is the way back', () => {
  const running = statusOf({ generation: 6 });
  const waiting = { reason: 'ImagePullBackOff', message: 'no such image' };
  const bad = pod('rpc', 'rpc-new', { ready: false, state: { waiting } });
  const created = { ...bad.metadata, creationTimestamp: NOW.toISOString() };
  const pods = [...allPods, { ...bad, metadata: created }];
  const rollout = { stage: 'rpc', message: '1 of 2 pods updated' };
  const failing = statusOf({ before: running, rollout, pods });
  const later = new Date(NOW.getTime() + 180_000);
  const stalled = statusOf({ before: failing, rollout, pods, now: later });
  const back = statusOf({ before: stalled, generation: 8, now: later });
  assert.deepEqual(story(running, failing, stalled, back).slice(-5), [
    'Normal RolloutStarted',
    'Warning PodsFailing',
    'Warning RolloutStalled',
    'Normal RolloutFinished',
    'Normal Ready',
  ]);
});

test('a refused spec is reported, and that it is accepted again', () => {
  const running = statusOf();
  const refusal = { reason: 'SecretMissing', message: 'spec.x: Secret y does not exist' };
  const refused = statusOf({ before: running, refusal });
  assert.deepEqual(story(running, refused, statusOf({ before: refused })).slice(-3), [
    'Warning SpecRefused',
    'Normal SpecAccepted',
    'Normal Ready',
  ]);
});

test('monitoring that cannot be set up is reported once, and the cluster is as ready as before', () => {
  const running = statusOf({ generation: 6 });
  const problem = {
    kind: 'refused',
    object: 'PodMonitor chat',
    reason: 'PrometheusOperatorMissing',
    cause: 'none',
    message: 'PodMonitor chat: none; install it',
  } as const;
  const condition = monitoringApplied(2, [problem]);
  const aspects = { monitoring: { problems: [], stalled: false, condition } };
  const failing = statusOf({ before: running, aspects });
  assert.deepEqual(story(running, failing, statusOf({ before: failing, aspects })).slice(-1), [
    'Warning MonitoringNotApplied',
  ]);
  for (const type of ['Ready', 'Available', 'ObjectsApplied']) {
    assert.equal(failing.conditions?.find((each) => each.type === type)?.status, 'True', type);
  }
});
