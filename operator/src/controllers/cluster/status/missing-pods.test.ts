import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CoreEvent, Deployment, StatefulSet, Stored } from '@im/kube';
import { missingPods } from './missing-pods.ts';

const NOW = new Date('2026-01-01T00:10:00Z');

function deployment(message: string): Stored<Deployment> {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      name: 'chat-rpc',
      uid: 'd',
      resourceVersion: '1',
      labels: { 'app.kubernetes.io/component': 'rpc' },
    },
    status: {
      conditions: [
        { type: 'ReplicaFailure', status: 'True', lastTransitionTime: '2026-01-01T00:09:00Z', message },
      ],
    },
  } as unknown as Stored<Deployment>;
}

const noEvents = { byIndex: () => [] };
const causeOf = (message: string) =>
  missingPods({ deployments: [deployment(message)], statefulSets: [] }, noEvents, NOW).rpc?.message ?? '';

test('what refuses pods is named with its remedy, without names of pods', () => {
  const quota =
    'pods "chat-rpc-5d-x7k2p" is forbidden: exceeded quota: none, requested: pods=1, used: pods=0, limited: pods=0';
  assert.match(
    causeOf(quota),
    /^chat-rpc: its pods cannot be created: exceeded quota: none, .*raise the ResourceQuota/,
  );
  assert.doesNotMatch(causeOf(quota), /x7k2p/);
  const priority = 'pods "a" is forbidden: no PriorityClass with name high was found';
  assert.match(causeOf(priority), /create PriorityClass high, or correct podTemplate\.priorityClassName/);
  const security = 'pods "a" is forbidden: violates PodSecurity "restricted:latest": hostPath volumes';
  assert.match(causeOf(security), /hostPath volumes; correct podTemplate/);
  const limits = 'pods "a" is forbidden: maximum cpu usage per Container is 1, but limit is 2';
  assert.match(causeOf(limits), /the LimitRange/);
  assert.match(causeOf('admission webhook "x" denied the request'), /denied the request; Kubernetes repeats/);
});

test('a StatefulSet with missing pods has the newest of its events, and none when it has its pods', () => {
  const set = (replicas: number) =>
    ({
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      metadata: {
        name: 'chat-nats',
        uid: 's',
        resourceVersion: '1',
        labels: { 'app.kubernetes.io/component': 'nats' },
      },
      spec: { replicas: 3 },
      status: { replicas },
    }) as unknown as Stored<StatefulSet>;
  const event = (minute: string, text: string) =>
    ({
      firstTimestamp: '2026-01-01T00:00:00Z',
      lastTimestamp: `2026-01-01T00:${minute}:00Z`,
      message: `Create Pod chat-nats-0 in StatefulSet chat-nats failed error: pods "chat-nats-0" is forbidden: ${text}`,
    }) as unknown as Stored<CoreEvent>;
  const events = {
    byIndex: () => [event('05', 'old'), event('09', 'exceeded quota: q'), event('07', 'older')],
  };
  const missingOf = (replicas: number, now = NOW) =>
    missingPods({ deployments: [], statefulSets: [set(replicas)] }, events, now).nats;
  assert.match(
    missingOf(2)?.message ?? '',
    /^chat-nats: its pods cannot be created: exceeded quota: q; raise/,
  );
  assert.equal(missingOf(3), undefined);
  assert.equal(missingOf(2, new Date('2026-01-01T01:00:00Z')), undefined);
});
