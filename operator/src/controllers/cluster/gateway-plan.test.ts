import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ProcessStatus } from '@im/contract';
import { type GatewayPod, type GatewayState, planGateways } from './gateway-plan.ts';

const NOW = 1_000_000_000;

function status(connections: number, draining = false): ProcessStatus {
  return {
    version: '1.0.0',
    instance: 'i',
    roles: ['gateway'],
    ready: !draining,
    startedAt: 0,
    configHash: 'h',
    eventLoopDelayMs: 1,
    rssBytes: 1,
    gateway: {
      connections,
      users: connections,
      handshakesPerSecond: 0,
      draining,
      drainRemaining: draining ? connections : 0,
      drainEtaSeconds: draining ? 7 : 0,
    },
  };
}

function pod(name: string, revision: string, change: Partial<GatewayPod> = {}): GatewayPod {
  return {
    name,
    revision,
    ready: true,
    terminating: false,
    createdAt: NOW - 60_000,
    marked: false,
    status: status(10),
    ...change,
  };
}

function deployment(revision: string, replicas: number, available = replicas, existing = replicas) {
  return { revision, replicas, existing, available, observed: true };
}

function state(change: Partial<GatewayState>): GatewayState {
  return {
    target: 'new',
    replicas: 2,
    deployments: [],
    pods: [],
    now: NOW,
    drainDeadlineMs: 600_000,
    ...change,
  };
}

const completeNew = {
  deployments: [deployment('new', 2)],
  pods: [pod('n1', 'new'), pod('n2', 'new')],
  selected: 'new',
};

test('the first revision is created and selected by the Service immediately', () => {
  const { actions, complete } = planGateways(state({}));
  assert.deepEqual(
    actions.map(({ kind }) => kind),
    ['scale', 'select'],
  );
  assert.equal(complete, false);
});

test('complete gateways need no action', () => {
  assert.deepEqual(planGateways(state(completeNew)), { actions: [], complete: true });
});

test('a scale-out is applied immediately', () => {
  const { actions } = planGateways(state({ ...completeNew, replicas: 3 }));
  assert.partialDeepStrictEqual(actions, [{ kind: 'scale', revision: 'new', replicas: 3 }]);
});

test('a new revision is created next to the old one, and waited for', () => {
  const old = {
    deployments: [deployment('old', 2)],
    pods: [pod('o1', 'old'), pod('o2', 'old')],
    selected: 'old',
  };
  assert.partialDeepStrictEqual(planGateways(state(old)).actions, [
    { kind: 'scale', revision: 'new', replicas: 2 },
  ]);
  const half = planGateways(
    state({
      deployments: [...old.deployments, deployment('new', 2, 1)],
      pods: [...old.pods, pod('n1', 'new'), pod('n2', 'new', { ready: false })],
      selected: 'old',
    }),
  );
  assert.deepEqual(half.actions, []);
  assert.match(half.waiting ?? '', /1 of 2 gateways of revision new ready; waiting for n2/);
});

test('once complete it gets the Service, then old pods go one at a time: drain, mark, remove', () => {
  const deployments = [deployment('old', 2), deployment('new', 2)];
  const fresh = [pod('n1', 'new', { status: status(0) }), pod('n2', 'new', { status: status(0) })];
  const olds = (o1: Partial<GatewayPod>) => [pod('o1', 'old', o1), pod('o2', 'old', { status: status(20) })];
  const at = (o1: Partial<GatewayPod>, selected = 'new') =>
    planGateways(state({ deployments, pods: [...olds(o1), ...fresh], selected }));

  assert.deepEqual(at({}, 'old').actions, [{ kind: 'select', revision: 'new' }]);
  assert.partialDeepStrictEqual(at({}).actions, [{ kind: 'drain', pod: 'o1' }]);
  const since = { drainSince: NOW - 1_000, ready: false };
  assert.partialDeepStrictEqual(
    at(since).actions,
    [{ kind: 'drain', pod: 'o1' }],
    'a restart forgot the drain',
  );
  const draining = at({ ...since, status: status(4, true) });
  assert.deepEqual(draining.actions, []);
  assert.match(draining.waiting ?? '', /o1 is draining: 4 connections left, about 7 s/);
  assert.partialDeepStrictEqual(at({ ...since, status: status(0, true) }).actions, [
    { kind: 'mark', pod: 'o1' },
  ]);
  assert.partialDeepStrictEqual(at({ ...since, marked: true, status: status(0, true) }).actions, [
    { kind: 'scale', revision: 'old', replicas: 1 },
  ]);
});

test('no pod is removed while another is not ready or terminating', () => {
  const drained = { drainSince: NOW, ready: false, marked: true, status: status(0, true) };
  const base = { deployments: [deployment('new', 3)], selected: 'new', replicas: 2 };
  const unready = planGateways(
    state({
      ...base,
      replicas: 2,
      pods: [pod('a', 'new', drained), pod('b', 'new'), pod('c', 'new', { ready: false })],
    }),
  );
  assert.deepEqual(unready.actions, []);
  assert.match(unready.waiting ?? '', /c is not ready/);
  const going = planGateways(
    state({
      ...base,
      pods: [pod('a', 'new', { terminating: true }), pod('b', 'new'), pod('c', 'new'), pod('d', 'new')],
    }),
  );
  assert.deepEqual(going.actions, []);
  assert.match(going.waiting ?? '', /a is terminating/);
});

test('a scale-in takes the pod with the fewest connections, the newest of several', () => {
  const { actions } = planGateways(
    state({
      deployments: [deployment('new', 3)],
      selected: 'new',
      pods: [
        pod('a', 'new', { status: status(9) }),
        pod('b', 'new', { status: status(3), createdAt: NOW - 9_000 }),
        pod('c', 'new', { status: status(3), createdAt: NOW - 1_000 }),
      ],
    }),
  );
  assert.partialDeepStrictEqual(actions, [{ kind: 'drain', pod: 'c' }]);
});

test('a scale-in that is no longer wanted is cancelled', () => {
  const { actions } = planGateways(
    state({
      replicas: 3,
      deployments: [deployment('new', 3)],
      selected: 'new',
      pods: [pod('a', 'new', { drainSince: NOW, ready: false }), pod('b', 'new'), pod('c', 'new')],
    }),
  );
  assert.partialDeepStrictEqual(actions, [{ kind: 'undrain', pod: 'a' }]);
});

test('a pod that does not respond is kept until the deadline, then removed', () => {
  const at = (drainSince: number) =>
    planGateways(
      state({
        deployments: [deployment('new', 3)],
        selected: 'new',
        pods: [
          pod('a', 'new', { drainSince, ready: false, status: undefined, marked: true }),
          pod('b', 'new'),
          pod('c', 'new'),
        ],
      }),
    );
  assert.match(at(NOW - 1_000).waiting ?? '', /a does not answer; it is removed in 629 s/);
  assert.partialDeepStrictEqual(at(NOW - 700_000).actions, [{ kind: 'scale', replicas: 2 }]);
});

test('an empty old revision is deleted, and a roll-back follows the same steps', () => {
  const gone = planGateways(
    state({ ...completeNew, deployments: [deployment('old', 0), deployment('new', 2)] }),
  );
  assert.deepEqual(gone.actions, [{ kind: 'remove', revision: 'old' }]);
  const back = planGateways(
    state({
      target: 'old',
      deployments: [deployment('old', 1), deployment('new', 2)],
      pods: [pod('o2', 'old', { drainSince: NOW, ready: false }), pod('n1', 'new'), pod('n2', 'new')],
      selected: 'new',
    }),
  );
  assert.partialDeepStrictEqual(back.actions, [
    { kind: 'scale', revision: 'old', replicas: 2 },
    { kind: 'undrain', pod: 'o2' },
  ]);
});
