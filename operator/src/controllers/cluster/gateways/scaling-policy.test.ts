import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ScalingPolicy, ScalingRules } from '../../../resources/autoscaling.ts';
import {
  downLimit,
  emptyHistory,
  type ScalingHistory,
  stableDown,
  stableUp,
  upLimit,
  withChange,
  withRecommendation,
} from './scaling-policy.ts';

const rules = (change: Partial<ScalingRules>): ScalingRules => ({
  stabilizationWindowSeconds: 60,
  policies: [{ type: 'Pods', value: 2, periodSeconds: 60 }],
  selectPolicy: 'Max',
  ...change,
});
const KEEP_MS = 3_600_000;

/** A history of one recommendation per `everyMs`. */
function seen(recommendations: readonly number[], everyMs = 10_000): ScalingHistory {
  return recommendations.reduce(
    (history, replicas, i) => withRecommendation(history, replicas, i * everyMs, KEEP_MS),
    emptyHistory(0),
  );
}

describe('stabilization', () => {
  test('scale-in waits until the window has been seen as a whole', () => {
    const six = stableDown(seen([2, 2, 2, 2, 2, 2]), rules({}), 4);
    assert.deepEqual(six, { replicas: 4, until: 60_000 });
    assert.equal(stableDown(seen([2, 2, 2, 2, 2, 2, 2]), rules({}), 4).replicas, 2);
  });

  test('the highest recommendation of the window counts, and until when', () => {
    const history = seen([2, 2, 4, 2, 2, 3, 2, 2]);
    assert.deepEqual(stableDown(history, rules({}), 4), { replicas: 4, until: 80_000 });
    const later = withRecommendation(history, 2, 80_000, KEEP_MS);
    assert.equal(stableDown(later, rules({}), 4).replicas, 3);
  });

  test('scale-out takes the lowest recommendation of its window', () => {
    const window = rules({ stabilizationWindowSeconds: 30 });
    assert.equal(stableUp(seen([2, 5, 5]), window), 2);
    assert.equal(stableUp(seen([2, 5, 6, 7]), window), 5);
    assert.equal(stableUp(seen([2, 5]), rules({ stabilizationWindowSeconds: 0 })), 5);
  });

  test('an interruption of a minute starts the windows again', () => {
    const before = seen([2, 2, 2, 2, 2, 2, 2]);
    const after = withRecommendation(before, 2, 121_000, KEEP_MS);
    assert.equal(stableDown(after, rules({}), 4).replicas, 4);
    assert.equal(stableDown(after, rules({}), 4).until, 181_000);
  });

  test('equal recommendations take no room, and old ones are dropped', () => {
    assert.equal(seen(Array.from({ length: 1_000 }, () => 2)).recommendations.length, 1);
    const flapping = Array.from({ length: 1_000 }, (_, i) => i % 2).reduce(
      (history, replicas, i) => withRecommendation(history, replicas, i * 10_000, 60_000),
      emptyHistory(0),
    );
    assert.ok(flapping.recommendations.length <= 8, `${flapping.recommendations.length}`);
  });
});

describe('policies', () => {
  const pods = (value: number, periodSeconds = 60): ScalingPolicy => ({ type: 'Pods', value, periodSeconds });
  const percent = (value: number): ScalingPolicy => ({ type: 'Percent', value, periodSeconds: 60 });
  const at = (ms: number, changes: readonly (readonly [at: number, by: number])[]) => {
    const changed = changes.reduce(
      (history, [time, by]) => withChange(history, by, time, KEEP_MS),
      emptyHistory(0),
    );
    return { ...changed, lastAt: ms };
  };

  test('the largest or the smallest change applies, or none', () => {
    const both = [pods(4), percent(100)];
    const history = at(0, []);
    assert.equal(upLimit(history, rules({ policies: both }), 10), 20);
    assert.equal(upLimit(history, rules({ policies: both, selectPolicy: 'Min' }), 10), 14);
    assert.equal(upLimit(history, rules({ policies: both, selectPolicy: 'Disabled' }), 10), 10);
    assert.equal(downLimit(history, rules({ policies: [pods(1), percent(10)] }), 30), 27);
    assert.equal(downLimit(history, rules({ policies: [pods(1), percent(10)] }), 5), 4);
    assert.equal(downLimit(history, rules({ policies: [pods(4), percent(10)], selectPolicy: 'Min' }), 5), 4);
    assert.equal(downLimit(history, rules({ selectPolicy: 'Disabled' }), 5), 5);
  });

  test('a percentage is rounded such that something changes', () => {
    assert.equal(upLimit(at(0, []), rules({ policies: [percent(10)] }), 3), 4);
    assert.equal(downLimit(at(0, []), rules({ policies: [percent(10)] }), 3), 2);
  });

  test('changes within the period count, earlier ones do not', () => {
    const history = at(70_000, [
      [5_000, 2],
      [30_000, 1],
    ]);
    assert.equal(upLimit(history, rules({ policies: [pods(4)] }), 5), 8);
    assert.equal(upLimit(at(20_000, [[5_000, 4]]), rules({ policies: [pods(4)] }), 8), 8);
    assert.equal(downLimit(at(20_000, [[5_000, -1]]), rules({ policies: [pods(1)] }), 4), 4);
    assert.equal(downLimit(at(66_000, [[5_000, -1]]), rules({ policies: [pods(1)] }), 4), 3);
    assert.equal(downLimit(at(20_000, [[5_000, 2]]), rules({ policies: [pods(1)] }), 6), 3, 'adds count too');
  });
});
