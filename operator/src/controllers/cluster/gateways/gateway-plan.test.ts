import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ProcessStatus } from '@im/contract';
import { planGateways } from './gateway-plan.ts';
import type { GatewayPod, GatewayState } from './gateway-state.ts';

const NOW = 1_000_000_000;
const DEADLINE_MS = 600_000;

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
    uid: `uid-${name}`,
    revision,
    ready: true,
    idle: false,
    createdAt: NOW - 60_000,
    marked: false,
    status: status(10),
    reportedAt: NOW - 1_000,
    ...change,
  };
}

const SILENT = { status: undefined, reportedAt: undefined } as const;
const PENDING = { ready: false, idle: true, ...SILENT } as const;
/** A pod that drains already. */
const drained = (connections: number, sinceMs = 1_000): Partial<GatewayPod> => ({
  ready: false,
  drainSince: NOW - sinceMs,
  drainUntil: NOW - sinceMs + DEADLINE_MS,
  status: status(connections, true),
});

function deployment(revision: string, replicas: number, existing = replicas) {
  return { revision, replicas, existing, observed: true };
}

function state(change: Partial<GatewayState>): GatewayState {
  return {
    target: 'new',
    replicas: 2,
    deployments: [],
    pods: [],
    now: NOW,
    drainDeadlineMs: DEADLINE_MS,
    maxConcurrent: 1,
    maxSurge: 1_000,
    observingSince: NOW - 3_600_000,
    ...change,
  };
}

const plan = (change: Partial<GatewayState>) => planGateways(state(change));
const kinds = (change: Partial<GatewayState>) =>
  plan(change).actions.map((action) =>
    'pod' in action ? `${action.kind} ${action.pod}` : `${action.kind} ${action.revision}`,
  );
const fresh = [pod('n1', 'new', { status: status(0) }), pod('n2', 'new', { status: status(0) })];
const completeNew = {
  deployments: [deployment('new', 2)],
  pods: [pod('n1', 'new'), pod('n2', 'new')],
  selected: 'new',
};

test('the first revision is created and selected by the Service immediately', () => {
  assert.deepEqual(kinds({}), ['scale new', 'select new']);
  assert.equal(plan({}).complete, false);
});

test('complete gateways need no action', () => {
  const { actions, waiting, complete } = plan(completeNew);
  assert.deepEqual({ actions, waiting, complete }, { actions: [], waiting: [], complete: true });
});

test('a scale-out is applied immediately', () => {
  const { actions } = plan({ ...completeNew, replicas: 3 });
  assert.partialDeepStrictEqual(actions, [{ kind: 'scale', revision: 'new', replicas: 3 }]);
});

test('a new revision is created next to the old one, and waited for', () => {
  const old = {
    deployments: [deployment('old', 2)],
    pods: [pod('o1', 'old'), pod('o2', 'old')],
    selected: 'old',
  };
  assert.partialDeepStrictEqual(plan(old).actions, [{ kind: 'scale', revision: 'new', replicas: 2 }]);
  const half = plan({
    deployments: [...old.deployments, deployment('new', 2)],
    pods: [...old.pods, pod('n1', 'new'), pod('n2', 'new', { ready: false })],
    selected: 'old',
  });
  assert.deepEqual(half.actions, []);
  assert.partialDeepStrictEqual(half.waiting, [
    {
      reason: 'GatewaysNotReady',
      message: '1 of 2 gateways of revision new ready; waiting for n2',
      since: NOW - 60_000,
      until: NOW + 540_000,
    },
  ]);
});

test('once complete it gets the Service, then old pods go one at a time: drain, mark, delete', () => {
  const deployments = [deployment('old', 2), deployment('new', 2)];
  const at = (o1: Partial<GatewayPod>, selected = 'new') => ({
    deployments,
    pods: [pod('o1', 'old', o1), pod('o2', 'old', { status: status(20) }), ...fresh],
    selected,
  });
  assert.deepEqual(kinds(at({}, 'old')), ['select new']);
  assert.partialDeepStrictEqual(plan(at({})).actions, [
    { kind: 'drain', pod: 'o1', reason: 'Revision', until: NOW + DEADLINE_MS },
  ]);
  const forgotten = { ...drained(4), status: status(4) };
  assert.partialDeepStrictEqual(
    plan(at(forgotten)).actions,
    [{ kind: 'drain', pod: 'o1', until: NOW - 1_000 + DEADLINE_MS }],
    'a restart forgot the drain: the deadline stays',
  );
  const draining = plan(at(drained(4)));
  assert.deepEqual(draining.actions, []);
  assert.match(draining.waiting[0]?.message ?? '', /o1 is draining: 4 connections left, about 7 s/);
  assert.deepEqual(
    draining.draining.map(({ pod: { name } }) => name),
    ['o1'],
  );
  assert.deepEqual(kinds(at(drained(0))), ['mark o1']);
  assert.partialDeepStrictEqual(plan(at({ ...drained(0), marked: true })).actions, [
    { kind: 'deletePods', revision: 'old', replicas: 2, pods: [{ uid: 'uid-o1' }] },
  ]);
});

test('pods that are not ready do not keep a drained one from being deleted', () => {
  const pods = [
    pod('a', 'new', { ...drained(0), marked: true }),
    pod('b', 'new'),
    pod('c', 'new', { ready: false }),
    pod('d', 'new', PENDING),
  ];
  const { actions } = plan({ replicas: 3, deployments: [deployment('new', 4)], selected: 'new', pods });
  assert.partialDeepStrictEqual(actions, [{ kind: 'deletePods', pods: [{ name: 'a' }] }]);
});

test('a deletion that the copy of the pods does not show yet is not counted twice', () => {
  const pods = [pod('a', 'new', { ...drained(0), marked: true }), pod('b', 'new'), pod('c', 'new')];
  const at = (replicas: number, existing: number) =>
    kinds({ replicas: 1, deployments: [deployment('new', replicas, existing)], selected: 'new', pods });
  assert.deepEqual(at(3, 3), ['deletePods new']);
  assert.deepEqual(at(2, 3), []);
});

test('a deletion that the copy of the pods does not show yet makes no second replacement', () => {
  const leaving = { ...drained(0), marked: true, manual: 'heap dump', drainReason: 'Manual' };
  const pods = [pod('a', 'new', leaving), pod('b', 'new'), pod('c', 'new')];
  const at = (replicas: number) =>
    kinds({ deployments: [deployment('new', replicas)], selected: 'new', pods });
  assert.deepEqual(at(3), ['deletePods new']);
  assert.deepEqual(at(2), []);
});

test('a revision that never served is scaled to 0 at once', () => {
  const bad = (change: Partial<GatewayPod>) => ({
    deployments: [deployment('new', 2), deployment('bad', 2)],
    pods: [...completeNew.pods, pod('b1', 'bad', change), pod('b2', 'bad', change)],
  });
  const removed = [{ kind: 'scale', revision: 'bad', replicas: 0 }] as const;
  assert.partialDeepStrictEqual(plan({ ...bad(PENDING), selected: 'new' }).actions, removed);
  const running = { ready: false, status: status(0) };
  assert.partialDeepStrictEqual(plan({ ...bad(running), selected: 'new' }).actions, removed);
  const serving = { ready: false, status: status(3) };
  assert.deepEqual(kinds({ ...bad(serving), selected: 'new' }), ['drain b1']);
  const silent = { ready: false, ...SILENT };
  assert.deepEqual(kinds({ ...bad(silent), selected: 'new' }), ['drain b1']);
  const selected = plan({ ...bad(PENDING), target: 'other', selected: 'bad' });
  assert.deepEqual(
    selected.actions.map(({ kind }) => kind),
    ['scale'],
    'the one selected is replaced first',
  );
});

test('the selected revision is kept until the new one is ready, even if it serves no client yet', () => {
  const at = (n1: Partial<GatewayPod>) =>
    kinds({
      replicas: 1,
      deployments: [deployment('old', 1), deployment('new', 1)],
      pods: [pod('o1', 'old', PENDING), pod('n1', 'new', n1)],
      selected: 'old',
    });
  assert.deepEqual(at(PENDING), []);
  assert.deepEqual(at({}), ['select new']);
});

test('a restarting pod of the serving revision is kept until the new one is ready', () => {
  const at = (n2: Partial<GatewayPod>, selected: string) =>
    kinds({
      deployments: [deployment('old', 2), deployment('new', 2)],
      pods: [pod('o1', 'old'), pod('o2', 'old', PENDING), pod('n1', 'new'), pod('n2', 'new', n2)],
      selected,
    });
  assert.deepEqual(at(PENDING, 'old'), []);
  assert.deepEqual(at({}, 'new'), ['drain o1', 'mark o2']);
});

test('a lost cancellation is repeated, unless the pod is being deleted', () => {
  const at = (change: Partial<GatewayPod>) =>
    kinds({ ...completeNew, pods: [pod('n1', 'new'), pod('n2', 'new', { ready: false, ...change })] });
  assert.deepEqual(at({ status: status(4, true) }), ['undrain n2']);
  assert.deepEqual(at({ status: status(4, true), terminatingUntil: NOW + 1_000 }), []);
  assert.deepEqual(at({ status: status(4, true), reportedAt: NOW - 60_000 }), [], 'an old report');
  assert.deepEqual(at(drained(4)), ['undrain n2'], 'the scale-in was cancelled');
});

test('a scale-in takes the pod with the fewest connections, the newest of several, and of pending ones', () => {
  const at = (...more: GatewayPod[]) =>
    kinds({
      deployments: [deployment('new', 3)],
      selected: 'new',
      pods: [
        pod('a', 'new', { status: status(9) }),
        pod('b', 'new', { status: status(3), createdAt: NOW - 9_000 }),
        ...more,
      ],
    });
  assert.deepEqual(at(pod('c', 'new', { status: status(3), createdAt: NOW - 1_000 })), ['drain c']);
  assert.deepEqual(at(pod('c', 'new', PENDING)), ['mark c'], 'nothing to drain');
});

test('missing figures choose no victim of a scale-in, and a wait for them ends in a warning', () => {
  const at = (change: Partial<GatewayPod>, observingSince = NOW - 5_000) =>
    plan({
      deployments: [deployment('new', 3)],
      selected: 'new',
      pods: [pod('a', 'new'), pod('b', 'new'), pod('c', 'new', change)],
      observingSince,
    });
  for (const change of [SILENT, { status: status(0), reportedAt: NOW - 30_000 }]) {
    const { actions, waiting } = at(change);
    assert.deepEqual(actions, []);
    assert.partialDeepStrictEqual(waiting, [{ reason: 'ObservationIncomplete', subject: 'c' }]);
  }
  const [wait] = at(SILENT).waiting;
  assert.deepEqual([wait?.since, wait?.until], [NOW - 5_000, NOW + 55_000]);
});

test('old gateways without figures come last, and are drained blindly after a minute', () => {
  const at = (observingSince: number) =>
    plan({
      deployments: [deployment('new', 2), deployment('old', 1)],
      selected: 'new',
      pods: [...fresh, pod('o1', 'old', { ...SILENT, createdAt: 0 })],
      observingSince,
    });
  assert.deepEqual(at(NOW - 5_000).actions, []);
  assert.partialDeepStrictEqual(at(NOW - 5_000).waiting, [{ reason: 'ObservationIncomplete' }]);
  assert.partialDeepStrictEqual(at(NOW - 70_000).actions, [{ kind: 'drain', pod: 'o1' }]);
  assert.partialDeepStrictEqual(at(NOW - 70_000).overdue, [{ reason: 'ObservationIncomplete' }]);
});

test('a pod that does not answer is removed after its deadline, and only when it has not answered lately', () => {
  const at = (change: Partial<GatewayPod>, observingSince = NOW - 3_600_000) =>
    plan({
      deployments: [deployment('new', 3)],
      selected: 'new',
      pods: [
        pod('a', 'new', { ...drained(4), ...SILENT, marked: true, ...change }),
        pod('b', 'new'),
        pod('c', 'new'),
      ],
      observingSince,
    });
  assert.deepEqual(at({}).actions, []);
  assert.partialDeepStrictEqual(at({}).waiting, [
    { reason: 'Draining', message: 'a is draining, but does not answer (scale-in to 2 gateways)' },
  ]);
  const late = drained(4, 700_000);
  const gone = at({ ...late, ...SILENT });
  assert.partialDeepStrictEqual(gone.actions, [{ kind: 'deletePods', pods: [{ name: 'a' }] }]);
  assert.partialDeepStrictEqual(gone.overdue, [{ reason: 'DrainDeadlineExceeded', subject: 'a' }]);
  assert.deepEqual(
    at({ ...late, ...SILENT }, NOW - 5_000).actions,
    [],
    'a new operator has not asked it yet',
  );
  assert.deepEqual(at({ ...late, status: status(4, true), reportedAt: NOW - 20_000 }).actions, []);
});

test('a drain that was announced but never requested starts with a new deadline', () => {
  const at = (sinceMs: number) =>
    plan({
      deployments: [deployment('new', 3)],
      selected: 'new',
      pods: [
        pod('a', 'new', { ...drained(0, sinceMs), ready: true, status: status(50_000) }),
        pod('b', 'new'),
        pod('c', 'new'),
      ],
    });
  assert.partialDeepStrictEqual(at(700_000).actions, [{ kind: 'drain', pod: 'a', until: NOW + DEADLINE_MS }]);
  assert.deepEqual(
    at(3 * DEADLINE_MS + 60_000).actions.map(({ kind }) => kind),
    ['mark'],
    'not for ever',
  );
});

test('a pod past its deadline is deleted although it holds connections', () => {
  const { actions, overdue } = plan({
    deployments: [deployment('new', 2), deployment('old', 1)],
    selected: 'new',
    pods: [...fresh, pod('o1', 'old', { ...drained(1, 640_000), marked: true })],
  });
  assert.partialDeepStrictEqual(actions, [{ kind: 'deletePods', pods: [{ name: 'o1' }] }]);
  assert.match(overdue[0]?.message ?? '', /o1 still holds connections past the deadline/);
});

test('a pod that hangs while terminating is reported, and the others go on', () => {
  const at = (terminatingUntil: number) =>
    plan({
      deployments: [deployment('new', 2), deployment('old', 1)],
      selected: 'new',
      pods: [...fresh, pod('dead', 'old', { terminatingUntil, status: status(9) }), pod('o1', 'old')],
    });
  assert.deepEqual(at(NOW + 60_000).actions, [], 'it drains, and counts');
  assert.deepEqual(
    at(NOW + 60_000).draining.map(({ reason }) => reason),
    ['Evicted'],
  );
  const late = at(NOW - 60_000);
  assert.partialDeepStrictEqual(late.actions, [{ kind: 'drain', pod: 'o1' }]);
  assert.partialDeepStrictEqual(late.overdue, [{ reason: 'TerminationOverdue', subject: 'dead' }]);
});

test('several gateways drain at a time within the budget, and are deleted together', () => {
  const olds = (change: Partial<GatewayPod>) => ['o1', 'o2', 'o3'].map((name) => pod(name, 'old', change));
  const at = (change: Partial<GatewayPod>) => ({
    deployments: [deployment('old', 3), deployment('new', 2)],
    pods: [...olds(change), ...fresh],
    selected: 'new',
    maxConcurrent: 2,
  });
  assert.deepEqual(kinds(at({})), ['drain o1', 'drain o2']);
  const { actions } = plan(at({ ...drained(0), marked: true }));
  const deletion = actions.find(({ kind }) => kind === 'scale' || kind === 'deletePods');
  assert.partialDeepStrictEqual(deletion, { kind: 'scale', revision: 'old', replicas: 0 }, 'all are empty');
});

test('a small surge makes new gateways as old ones go', () => {
  const base = { replicas: 4, maxSurge: 1, selected: 'new' };
  const olds = [1, 2, 3, 4].map((i) => pod(`o${i}`, 'old'));
  assert.partialDeepStrictEqual(
    plan({ ...base, deployments: [deployment('old', 4)], pods: olds, selected: 'old' }).actions,
    [{ kind: 'scale', revision: 'new', replicas: 1 }],
  );
  const one = { ...base, deployments: [deployment('old', 4), deployment('new', 1)] };
  assert.deepEqual(kinds({ ...one, pods: [...olds, pod('n1', 'new')] }), ['drain o1']);
  const after = { ...base, deployments: [deployment('old', 3), deployment('new', 1)] };
  assert.partialDeepStrictEqual(plan({ ...after, pods: [...olds.slice(1), pod('n1', 'new')] }).actions, [
    { kind: 'scale', revision: 'new', replicas: 2 },
  ]);
  const growing = { ...base, deployments: [deployment('old', 3), deployment('new', 2)] };
  assert.deepEqual(
    kinds({ ...growing, pods: [...olds.slice(1), pod('n1', 'new'), pod('n2', 'new', PENDING)] }),
    [],
    'no further drain before the new one is ready',
  );
});

test('a gateway on a cordoned node is replaced first, then drained, then deleted', () => {
  const node = { reason: 'Cordoned', message: 'node x is cordoned' } as const;
  const at = (replicas: number, change: Partial<GatewayPod>, ...more: GatewayPod[]) => ({
    deployments: [deployment('new', replicas)],
    selected: 'new',
    pods: [pod('a', 'new', { node, ...change }), pod('b', 'new'), ...more],
  });
  assert.partialDeepStrictEqual(plan(at(2, {})).actions, [{ kind: 'scale', replicas: 3 }]);
  const pending = plan(at(3, {}, pod('c', 'new', PENDING)));
  assert.deepEqual(pending.actions, []);
  assert.ok(pending.waiting.some(({ reason, until }) => reason === 'ReplacementNotReady' && until));
  const impossible = plan(at(3, {}, pod('c', 'new', { ...PENDING, createdAt: NOW - 400_000 })));
  assert.partialDeepStrictEqual(impossible.actions, [{ kind: 'drain', pod: 'a', reason: 'Cordoned' }]);
  assert.partialDeepStrictEqual(impossible.overdue, [{ reason: 'ReplacementNotReady' }]);
  assert.deepEqual(kinds(at(3, {}, pod('c', 'new'))), ['drain a']);
  assert.deepEqual(kinds(at(3, { ...drained(0), marked: true }, pod('c', 'new'))), ['deletePods new']);
  assert.deepEqual(kinds({ ...at(2, {}), pods: [pod('b', 'new'), pod('c', 'new')] }), [], 'and that is all');
  assert.deepEqual(
    kinds({ ...at(3, {}, pod('c', 'new')), replicas: 2 }).length,
    1,
    'a scale-in prefers it, and needs no replacement',
  );
});

test('a machine that is about to end is drained at once, within the time that it has', () => {
  const node = { reason: 'Spot', message: 'node x ends', withinMs: 90_000 } as const;
  const { actions } = plan({
    ...completeNew,
    pods: [pod('n1', 'new', { node }), pod('n2', 'new', { node })],
  });
  assert.partialDeepStrictEqual(actions, [
    { kind: 'scale', replicas: 4 },
    { kind: 'drain', pod: 'n1', reason: 'Spot', until: NOW + 90_000 },
    { kind: 'drain', pod: 'n2', reason: 'Spot', until: NOW + 90_000 },
  ]);
  const draining = plan({
    ...completeNew,
    deployments: [deployment('new', 4)],
    pods: [...fresh, pod('n3', 'new', { node, ...drained(9) })],
  });
  assert.partialDeepStrictEqual(draining.actions, [{ kind: 'drain', pod: 'n3', until: NOW + 90_000 }]);
});

test('a gateway that a person wants to go is replaced, and kept when they change their mind', () => {
  const at = (replicas: number, change: Partial<GatewayPod>, ...more: GatewayPod[]) =>
    kinds({
      deployments: [deployment('new', replicas)],
      selected: 'new',
      pods: [pod('a', 'new', change), pod('b', 'new'), ...more],
    });
  assert.deepEqual(at(2, { manual: 'heap dump' }), ['scale new']);
  assert.deepEqual(at(3, { manual: 'heap dump' }, pod('c', 'new')), ['drain a']);
  const cancelled = { ...drained(5), drainReason: 'Manual' };
  assert.deepEqual(at(2, cancelled), ['undrain a']);
  const empty = pod('c', 'new', { status: status(0) });
  assert.deepEqual(at(3, cancelled, empty), ['undrain a'], 'the one too many is chosen when it is ready');
});

test('an empty old revision is deleted, and a roll-back follows the same steps', () => {
  const gone = plan({ ...completeNew, deployments: [deployment('old', 0), deployment('new', 2)] });
  assert.deepEqual(gone.actions, [{ kind: 'deleteRevision', revision: 'old' }]);
  const back = kinds({
    target: 'old',
    deployments: [deployment('old', 1), deployment('new', 2)],
    pods: [pod('o2', 'old', drained(3)), pod('n1', 'new'), pod('n2', 'new')],
    selected: 'new',
  });
  assert.deepEqual(back, ['scale old', 'undrain o2']);
});

test('pods that a quota refuses are not drained for', () => {
  const { actions } = plan({ ...completeNew, deployments: [deployment('new', 5, 2)] });
  assert.partialDeepStrictEqual(actions, [{ kind: 'scale', replicas: 2 }]);
});
