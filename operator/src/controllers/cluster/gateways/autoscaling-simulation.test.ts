import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { effectiveAutoscaling } from '../../../resources/autoscaling.ts';
import type { GatewayLoad } from './gateway-load.ts';
import { gatewayTarget } from './gateway-target.ts';
import { emptyHistory, type ScalingHistory } from './scaling-policy.ts';

const LOOK_MS = 2_000;
const START_MS = 8_000;
const WINDOW_SECONDS = 60;
const PER_POD = 1_000;
/** Connections above which a gateway refuses further ones. */
const LIMIT = 2_000;

interface Gateway {
  readonly id: number;
  connections: number;
  readonly readyAt: number;
  draining: boolean;
}

interface Look {
  readonly now: number;
  readonly target: number;
  readonly reason: string;
  /** Connections that no gateway took, so far. */
  readonly refused: number;
  readonly serving: number;
}

/**
 * A fleet whose connections follow `wanted`: gateways start within seconds and are drained before they go. Clients connect
 * to ready gateways in turn and stay there; a gateway at its limit refuses them.
 */
function simulate(options: {
  readonly wanted: (now: number) => number;
  readonly lengthMs: number;
  readonly start?: number;
  readonly complete?: (now: number) => boolean;
  readonly newLeaderAt?: number;
}) {
  const { wanted, lengthMs, start = 1, complete = () => true, newLeaderAt = -1 } = options;
  const autoscaling = effectiveAutoscaling(
    {
      minReplicas: 1,
      maxReplicas: 6,
      targetConnectionsPerPod: PER_POD,
      spare: 'None',
      behavior: {
        scaleDown: {
          stabilizationWindowSeconds: WINDOW_SECONDS,
          policies: [{ type: 'Pods', value: 1, periodSeconds: 20 }],
        },
      },
    },
    LIMIT,
  );
  let ids = 0;
  let refused = 0;
  let gateways: Gateway[] = Array.from({ length: start }, () => newGateway(0));
  function newGateway(readyAt: number): Gateway {
    return { id: ids++, connections: 0, readyAt, draining: false };
  }
  const receiving = (now: number) => gateways.filter((each) => !each.draining && each.readyAt <= now);
  const connect = (count: number, now: number) => {
    const places = receiving(now);
    for (let i = 0; i < count; i++) {
      const open = places.filter(({ connections }) => connections < LIMIT);
      const gateway = open[i % open.length];
      if (gateway) gateway.connections += 1;
      else refused += 1;
    }
  };
  const loadOf = (gateway: Gateway, now: number): GatewayLoad => ({
    pod: String(gateway.id),
    host: undefined,
    zone: undefined,
    receives: !gateway.draining && gateway.readyAt <= now,
    draining: gateway.draining,
    selected: true,
    connections: gateway.connections,
    handshakesPerSecond: 0,
    eventLoopDelayMs: 0,
    shedRemaining: 0,
  });
  let history: ScalingHistory = emptyHistory(0);
  let current = start;
  const looks: Look[] = [];
  for (let now = 0; now < lengthMs; now += LOOK_MS) {
    const total = gateways.reduce((sum, { connections }) => sum + connections, 0);
    const change = Math.round(wanted(now)) - total;
    if (change > 0) connect(change, now);
    for (let left = -change; left > 0; left--) {
      const gateway = gateways.reduce((a, b) => (b.connections > a.connections ? b : a));
      gateway.connections -= 1;
    }
    for (const gateway of gateways.filter(({ draining }) => draining)) {
      const moved = Math.min(200, gateway.connections);
      gateway.connections -= moved;
      connect(moved, now);
    }
    gateways = gateways.filter(({ draining, connections }) => !draining || connections > 0);
    if (now === newLeaderAt) history = emptyHistory(now);
    const isComplete = complete(now);
    const target = gatewayTarget({
      autoscaling,
      current,
      gateways: gateways.map((gateway) => loadOf(gateway, now)),
      complete: isComplete,
      silent: isComplete ? [] : ['0'],
      observed: true,
      rollingOut: false,
      moving: gateways.some(({ draining }) => draining),
      history,
      now,
    });
    ({ history } = target);
    current = target.replicas;
    const staying = gateways.filter(({ draining }) => !draining);
    for (let i = staying.length; i < current; i++) gateways.push(newGateway(now + START_MS));
    const fewestFirst = staying.sort((a, b) => a.connections - b.connections);
    for (const victim of fewestFirst.slice(0, Math.max(0, staying.length - current))) victim.draining = true;
    looks.push({ now, target: current, reason: target.reason, refused, serving: receiving(now).length });
  }
  return looks;
}

/** 0 to 3,000 in a minute, three minutes of that, and to 300 in a minute. */
function ramp(now: number): number {
  if (now < 60_000) return (now / 60_000) * 3_000;
  if (now < 240_000) return 3_000;
  return Math.max(300, 3_000 - ((now - 240_000) / 60_000) * 2_700);
}

const steps = (looks: readonly Look[]) =>
  looks.map(({ target }) => target).filter((target, i, all) => target !== all[i - 1]);

describe('a fleet whose connections ramp 0 to 3,000 to 300', () => {
  const looks = simulate({ wanted: ramp, lengthMs: 600_000 });

  test('grows with the ramp, and shrinks one by one after the window', () => {
    assert.deepEqual(steps(looks), [1, 2, 3, 2, 1]);
    const down = looks.filter(({ target }, i) => target < (looks[i - 1]?.target ?? 0));
    // 2,000 connections are left a third of the way down.
    assert.ok((down[0]?.now ?? 0) >= 240_000 + 20_000 + WINDOW_SECONDS * 1_000, `${down[0]?.now}`);
    assert.ok((down[1]?.now ?? 0) - (down[0]?.now ?? 0) >= 20_000, 'the policy');
  });

  test('a gateway below its limit is always there', () => {
    assert.equal(looks.at(-1)?.refused, 0);
    assert.ok(looks.every(({ serving }) => serving >= 1));
  });
});

test('load that swings faster than the window adds gateways once', () => {
  const wanted = (now: number) => (Math.floor(now / 20_000) % 2 === 0 ? 900 : 2_500);
  assert.deepEqual(steps(simulate({ wanted, lengthMs: 900_000 })), [1, 2, 3]);
});

test('load that swings slower than the window follows it', () => {
  const wanted = (now: number) => (Math.floor(now / 200_000) % 2 === 0 ? 2_500 : 500);
  const followed = steps(simulate({ wanted, lengthMs: 800_000 }));
  assert.deepEqual(followed, [2, 3, 2, 1, 2, 3, 2, 1]);
});

test('while a gateway does not answer none is removed, and those that are needed are added', () => {
  const silent = (now: number) => now < 30_000 || now > 560_000;
  const looks = simulate({ wanted: ramp, lengthMs: 800_000, complete: silent });
  const at = (ms: number) => looks.find(({ now }) => now === ms);
  assert.equal(at(200_000)?.target, 3);
  assert.deepEqual([at(558_000)?.target, at(558_000)?.reason], [3, 'ScaleDownFrozen']);
  assert.equal(at(616_000)?.target, 3, 'the window starts when all answer');
  assert.equal(at(624_000)?.target, 2);
  assert.equal(looks.at(-1)?.target, 1);
});

test('a new leader starts a new window', () => {
  const newLeaderAt = 300_000;
  const looks = simulate({ wanted: ramp, lengthMs: 600_000, newLeaderAt });
  const firstDown = looks.find(({ target }, i) => target < (looks[i - 1]?.target ?? 0));
  const undisturbed = simulate({ wanted: ramp, lengthMs: 600_000 });
  const before = undisturbed.find(({ target }, i) => target < (undisturbed[i - 1]?.target ?? 0));
  assert.ok((before?.now ?? 0) < newLeaderAt + WINDOW_SECONDS * 1_000);
  assert.equal(firstDown?.now, newLeaderAt + WINDOW_SECONDS * 1_000);
});
