import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMetrics } from '@im/process';
import {
  type Claim,
  LONGEST_PLACE_MS,
  type PlaceLimits,
  RolloutPlaces,
  STALLED_PLACE_MS,
} from './rollout-places.ts';

const STALLED_MS = STALLED_PLACE_MS.rollout;

const LIMITS: PlaceLimits = { creation: 3, rollout: 2 };

function harness(limits = LIMITS) {
  let time = 1_000_000;
  const announced: string[] = [];
  const metrics = createMetrics();
  const places = new RolloutPlaces({
    limits,
    metrics,
    onFree: (keys) => announced.push(...keys),
    now: () => time,
  });
  const claim = (key: string, given: Partial<Claim> = {}) =>
    places.claim(key, { kind: 'rollout', since: time, stalled: false, ...given }).granted;
  return {
    places,
    announced,
    metrics,
    claim,
    pass(ms: number) {
      time += ms;
    },
    get time() {
      return time;
    },
  };
}

test('clusters get places up to the limit, and the next one when one is complete', () => {
  const { places, claim, announced } = harness();
  assert.deepEqual(
    ['a', 'b', 'c'].map((key) => claim(key)),
    [true, true, false],
  );
  assert.equal(claim('a'), true, 'it goes on');
  assert.deepEqual(announced, []);
  places.release('b');
  assert.deepEqual(announced, ['c']);
  assert.equal(claim('c'), true);
  assert.equal(claim('d'), false);
});

test('creations and rollouts have limits of their own', () => {
  const { claim } = harness();
  const creation = (key: string) => claim(key, { kind: 'creation' });
  assert.deepEqual(
    ['a', 'b', 'c'].map((key) => claim(key)),
    [true, true, false],
  );
  assert.deepEqual(['e', 'f', 'g', 'h'].map(creation), [true, true, true, false]);
});

test('the order is that of the waits, not of the questions', () => {
  const { places, claim, announced } = harness();
  claim('a');
  claim('b');
  claim('young', { since: 30 });
  claim('old', { since: 10 });
  claim('middle', { since: 20 });
  places.release('a');
  assert.deepEqual(announced, ['old']);
  assert.equal(claim('young', { since: 30 }), false, 'the place is reserved');
  assert.equal(claim('old', { since: 10 }), true);
  assert.equal(claim('middle', { since: 500_000 }), false);
  places.release('b');
  assert.deepEqual(announced, ['old', 'middle'], 'a wait keeps its start');
});

test('a namespace with fewer places comes first', () => {
  const { places, claim, announced } = harness();
  for (const key of ['many/a', 'many/b', 'many/c', 'many/d']) claim(key, { since: 1 });
  claim('one/a', { since: 9 });
  places.release('many/a');
  assert.deepEqual(announced, ['one/a']);
  assert.equal(claim('many/c', { since: 1 }), false);
  assert.equal(claim('one/a', { since: 9 }), true);
});

test('a stalled creation gives its place away sooner than a stalled rollout', () => {
  const { claim, pass, time } = harness({ creation: 1, rollout: 1 });
  claim('bad', { kind: 'creation', startedAt: time, stalled: true });
  claim('worse', { startedAt: time, stalled: true });
  pass(STALLED_PLACE_MS.creation);
  assert.equal(claim('new', { kind: 'creation' }), true);
  assert.equal(claim('next'), false);
});

test('a stalled rollout gives its place away after its deadline, and goes on itself', () => {
  const { claim, announced, pass, time } = harness();
  claim('bad', { startedAt: time, stalled: true });
  claim('slow', { startedAt: time });
  assert.equal(claim('next'), false);
  pass(STALLED_MS - 1);
  assert.equal(claim('next'), false);
  pass(1);
  assert.equal(claim('bad', { startedAt: time, stalled: true }), true, 'it is not held back');
  assert.deepEqual(announced, ['next']);
  assert.equal(claim('next'), true);
  assert.equal(claim('last'), false, 'a slow one keeps its place');
  pass(LONGEST_PLACE_MS);
  assert.equal(claim('last'), true, 'though not for ever');
});

test('a cluster that waits asks again when the next place may be free, and at least every minute', () => {
  const { places, claim, pass, time } = harness({ creation: 1, rollout: 1 });
  const wait = () => {
    const place = places.claim('b', { kind: 'rollout', since: 1, stalled: false });
    return place.granted ? 0 : place.againAfterMs;
  };
  claim('a', { startedAt: time, stalled: true });
  assert.equal(wait(), 60_000);
  pass(STALLED_MS - 20_000);
  assert.equal(wait(), 20_000);
});

test('a cluster that cannot start leaves its place to others; one that has started keeps it', () => {
  const { places, claim, announced, time } = harness();
  claim('broken');
  claim('running', { startedAt: time });
  claim('next');
  places.withdraw('running');
  assert.deepEqual(announced, []);
  places.withdraw('broken');
  assert.deepEqual(announced, ['next']);
  places.withdraw('unknown');
});

test('a place that was granted is kept until the objects of the cluster record it', () => {
  const { claim } = harness();
  claim('a');
  claim('b');
  assert.equal(claim('c'), false);
  assert.equal(claim('a', { startedAt: undefined }), true, 'the local copy does not show it yet');
});

test('after a restart running rollouts hold their places, and the order is as before', () => {
  const { places, claim, time } = harness();
  claim('forgotten');
  places.load([
    ['running', { kind: 'rollout', since: 5, startedAt: time - 1_000, stalled: false }],
    ['stuck', { kind: 'rollout', since: 6, startedAt: time - STALLED_MS, stalled: true }],
    ['second', { kind: 'rollout', since: 8, stalled: false }],
    ['first', { kind: 'rollout', since: 7, stalled: false }],
  ]);
  assert.equal(claim('second', { since: 8 }), false);
  assert.equal(claim('new'), false);
  assert.equal(claim('first', { since: 7 }), true);
  assert.equal(claim('stuck', { since: 6, startedAt: 1 }), true);
});

test('metrics count what runs, what waits, and whose place was given away', async () => {
  const { claim, metrics, time } = harness();
  claim('a');
  claim('stuck', { startedAt: time - STALLED_MS, stalled: true });
  claim('b');
  claim('c');
  const values = (await metrics.values('openim_operator_rollouts')).flatMap(({ labels, value }) =>
    labels.kind === 'rollout' ? [[labels.state, value]] : [],
  );
  assert.deepEqual(Object.fromEntries(values), { running: 2, waiting: 1, overdue: 1 });
});
