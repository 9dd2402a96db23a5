import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { gatewayLoad } from '../../../../test/status-fixture.ts';
import { type EffectiveAutoscaling, effectiveAutoscaling } from '../../../resources/autoscaling.ts';
import type { GatewayLoad } from './gateway-load.ts';
import { type GatewayTarget, gatewayTarget, spareFor, type TargetInput } from './gateway-target.ts';
import { emptyHistory } from './scaling-policy.ts';

/** No windows, one pod of a thousand connections each, no spare one. */
const settings: EffectiveAutoscaling = {
  ...effectiveAutoscaling({ minReplicas: 1, maxReplicas: 10, targetConnectionsPerPod: 1_000 }, 100_000),
  spare: 'None',
  behavior: {
    scaleUp: {
      stabilizationWindowSeconds: 0,
      policies: [{ type: 'Pods', value: 100, periodSeconds: 1 }],
      selectPolicy: 'Max',
    },
    scaleDown: {
      stabilizationWindowSeconds: 0,
      policies: [{ type: 'Pods', value: 100, periodSeconds: 1 }],
      selectPolicy: 'Max',
    },
  },
};

function input(change: Partial<TargetInput>): TargetInput {
  return {
    autoscaling: settings,
    current: 2,
    gateways: [],
    complete: true,
    silent: [],
    observed: true,
    rollingOut: false,
    moving: false,
    history: emptyHistory(0),
    now: 0,
    ...change,
  };
}
const decide = (change: Partial<TargetInput>): GatewayTarget => gatewayTarget(input(change));

describe('need', () => {
  test('the measure that needs most gateways decides', () => {
    const autoscaling = {
      ...settings,
      targetHandshakesPerSecondPerPod: 100,
      targetEventLoopDelayMilliseconds: 50,
    };
    const two = (change: Partial<GatewayLoad>) => [gatewayLoad(900, change), gatewayLoad(900, change)];
    const of = (gateways: GatewayLoad[], change: Partial<TargetInput> = {}) => {
      const { replicas, reason } = decide({ autoscaling, gateways, ...change });
      return [replicas, reason];
    };
    assert.deepEqual(of(two({})), [2, 'Connections']);
    assert.deepEqual(of(two({ handshakesPerSecond: 160 })), [4, 'Handshakes']);
    assert.deepEqual(of(two({ eventLoopDelayMs: 120 })), [5, 'EventLoopDelay']);
    assert.deepEqual(of(two({ eventLoopDelayMs: 54 })), [2, 'EventLoopDelay'], 'within the tolerance');
    assert.deepEqual(of(two({ handshakesPerSecond: 160 }), { moving: true }), [2, 'Connections']);
  });

  test('minReplicas and maxReplicas bound it', () => {
    const bounded = { ...settings, minReplicas: 3, maxReplicas: 5 };
    const few = decide({ autoscaling: bounded, gateways: [gatewayLoad(0)] });
    assert.deepEqual([few.replicas, few.reason], [3, 'MinReplicas']);
    const many = decide({ autoscaling: bounded, gateways: [gatewayLoad(9_000)] });
    assert.deepEqual([many.replicas, many.reason], [5, 'MaxReplicas']);
    assert.match(many.message, /connections need 9 gateways; maxReplicas is 5/);
    assert.equal(decide({ autoscaling: bounded, current: 20, gateways: [gatewayLoad(5_000)] }).replicas, 5);
  });

  test('a spare gateway, or those of a zone', () => {
    const withSpare = (spare: EffectiveAutoscaling['spare'], zones: readonly string[]) =>
      decide({
        autoscaling: { ...settings, spare },
        gateways: zones.map((zone) => gatewayLoad(4_000 / zones.length, { zone })),
      });
    assert.equal(withSpare('OnePod', ['a', 'b']).replicas, 5);
    assert.match(withSpare('OnePod', ['a', 'b']).message, /connections need 4 gateways, and 1 spare/);
    assert.equal(withSpare('OneZone', ['a', 'b', 'c', 'a']).replicas, 6, 'two of six are lost');
    assert.equal(withSpare('OneZone', ['a', 'b']).replicas, 8);
    assert.equal(withSpare('OneZone', ['a', 'a']).replicas, 5, 'without zones as one pod');
    for (const zones of [2, 3, 4, 5])
      for (let pods = 1; pods < 50; pods++) {
        const replicas = spareFor(pods, 'OneZone', zones);
        assert.ok(replicas - Math.ceil(replicas / zones) >= pods, 'the others are enough');
        assert.ok(replicas - 1 - Math.ceil((replicas - 1) / zones) < pods, 'one fewer would not be');
      }
  });

  test('connections of draining gateways are about to arrive', () => {
    const draining = { receives: false, draining: true, selected: false };
    assert.equal(decide({ gateways: [gatewayLoad(100), gatewayLoad(2_900, draining)] }).replicas, 3);
    assert.equal(
      decide({ gateways: [gatewayLoad(3_000, { ...draining, eventLoopDelayMs: 900 })] }).replicas,
      3,
    );
  });
});

describe('missing data', () => {
  test('what is known adds gateways, and what is not removes none', () => {
    const silent = { complete: false, silent: ['g-1'] };
    assert.equal(decide({ ...silent, gateways: [gatewayLoad(4_000), gatewayLoad(0)] }).replicas, 4);
    const kept = decide({ ...silent, current: 4, gateways: [gatewayLoad(10), gatewayLoad(0)] });
    assert.deepEqual([kept.replicas, kept.reason], [4, 'ScaleDownFrozen']);
    assert.match(kept.frozen ?? '', /^1 of 2 gateways have not answered for 10 s \(g-1\)$/);
  });

  test('a window with missing data counts as if all gateways had been needed', () => {
    const scaleDown = { ...settings.behavior.scaleDown, stabilizationWindowSeconds: 60 };
    const autoscaling = { ...settings, behavior: { ...settings.behavior, scaleDown } };
    let history = emptyHistory(0);
    const replicas: number[] = [];
    for (let now = 0; now <= 150_000; now += 10_000) {
      const target = decide({
        autoscaling,
        current: 4,
        gateways: [gatewayLoad(10)],
        complete: now !== 50_000,
        history,
        now,
      });
      history = target.history;
      replicas.push(target.replicas);
    }
    assert.equal(replicas.indexOf(1), 11, 'sixty seconds after the last incomplete look');
  });

  test('nothing changes before the first look, but for bounds', () => {
    const before = decide({ observed: false, complete: false, current: 7 });
    assert.deepEqual([before.replicas, before.reason], [7, 'NotObserved']);
    assert.equal(before.frozen, 'The gateways have not been observed yet.');
    const bounded = { ...settings, maxReplicas: 5 };
    assert.equal(decide({ autoscaling: bounded, observed: false, current: 7 }).replicas, 5);
  });

  test('a roll-out removes no gateway, and may add some', () => {
    const kept = decide({ rollingOut: true, current: 4, gateways: [gatewayLoad(10)] });
    assert.equal(kept.replicas, 4);
    assert.match(kept.frozen ?? '', /another revision/);
    assert.equal(decide({ rollingOut: true, gateways: [gatewayLoad(5_500)] }).replicas, 6);
  });
});

describe('pace', () => {
  test('policies limit a step, and say so', () => {
    const policies = [{ type: 'Pods', value: 2, periodSeconds: 60 }] as const;
    const behavior = {
      scaleUp: { ...settings.behavior.scaleUp, policies },
      scaleDown: { ...settings.behavior.scaleDown, policies },
    };
    const autoscaling = { ...settings, behavior };
    const up = decide({ autoscaling, gateways: [gatewayLoad(9_000)] });
    assert.deepEqual([up.replicas, up.reason], [4, 'ScaleUpLimited']);
    const again = decide({
      autoscaling,
      current: 4,
      gateways: [gatewayLoad(9_000)],
      history: up.history,
      now: 10_000,
    });
    assert.equal(again.replicas, 4);
    const later = decide({
      autoscaling,
      current: 4,
      gateways: [gatewayLoad(9_000)],
      history: up.history,
      now: 60_000,
    });
    assert.equal(later.replicas, 6);
    const down = decide({ autoscaling, current: 6, gateways: [gatewayLoad(1_000)] });
    assert.deepEqual([down.replicas, down.reason], [4, 'ScaleDownLimited']);
  });

  test('a message does not change with every look', () => {
    const at = (connections: number) => decide({ gateways: [gatewayLoad(connections)] }).message;
    assert.equal(at(1_100), at(1_900));
  });
});
