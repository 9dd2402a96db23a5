import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GatewayStatus } from '@im/contract';
import { effectiveSpec } from '../../../resources/effective.ts';
import type { DrainOrder } from '../observation/process-api.ts';
import { DrainLeases } from './drain-leases.ts';
import type { GatewayPod, GatewayState, Victim } from './gateway-state.ts';

const NOW = 1_000_000;
const { gateway } = effectiveSpec({}, { version: '1.0.0', image: 'im:1.0.0' });

function pod(name: string, figures: Partial<GatewayStatus>, change: Partial<GatewayPod> = {}): GatewayPod {
  return {
    name,
    uid: name,
    revision: 'new',
    ready: true,
    idle: false,
    createdAt: 0,
    marked: false,
    reportedAt: NOW - 1_000,
    status: {
      version: '1.0.0',
      instance: name,
      roles: ['gateway'],
      ready: true,
      startedAt: 0,
      configHash: '',
      eventLoopDelayMs: 1,
      rssBytes: 1,
      gateway: {
        connections: 1_000,
        users: 1_000,
        handshakesPerSecond: 0,
        draining: false,
        drainRemaining: 0,
        drainEtaSeconds: 0,
        ...figures,
      },
    },
    ...change,
  };
}

async function ordersFor(pods: readonly GatewayPod[], victims: readonly Victim[]) {
  const sent = new Map<string, DrainOrder>();
  const leases = new DrainLeases({
    drain: async ({ host }, order) => {
      sent.set(host, order);
      if (host === 'broken') throw new Error('no answer');
    },
  });
  const state: GatewayState = {
    target: 'new',
    selected: 'new',
    replicas: 2,
    deployments: [],
    pods,
    now: NOW,
    drainDeadlineMs: 600_000,
    maxConcurrent: 1,
    maxSurge: 1,
    observingSince: 0,
  };
  const input = {
    key: 'im/chat',
    state,
    draining: victims,
    gateway,
    rpcKey: 'k',
    hostOf: (name: string) => name,
  };
  await leases.renew(input, AbortSignal.timeout(1_000));
  return sent;
}

const draining = { draining: true, connections: 20_000 };
const victim = (name: string, change: Partial<GatewayPod>): Victim => ({
  pod: pod(name, draining, { ready: false, ...change }),
  reason: 'ScaleIn',
  why: 'too many',
});

test('draining gateways get a pace with their deadline, which is valid for seconds', async () => {
  const a = victim('a', { drainSince: NOW, drainUntil: NOW + 500_000 });
  const evicted = victim('broken', { terminatingUntil: NOW + 530_000 });
  const silent = victim('c', { drainSince: NOW, reportedAt: NOW - 60_000 });
  const sent = await ordersFor([pod('x', {}), a.pod, evicted.pod, silent.pod], [a, evicted, silent]);
  const half = { maxPerSecond: 200, ttlSeconds: 6 };
  assert.deepEqual(Object.fromEntries(sent), {
    a: { until: NOW + 500_000, ...half },
    broken: { until: NOW + 500_000, ...half },
  });
});

test('gateways that drain, do not answer or are of another revision are no receivers', async () => {
  const a = victim('a', { drainSince: NOW, drainUntil: NOW + 20_005_000 });
  const others = [
    pod('x', {}, { revision: 'old' }),
    pod('y', {}, { reportedAt: NOW - 60_000 }),
    pod('z', draining),
  ];
  const sent = await ordersFor([...others, a.pod], [a]);
  assert.equal(sent.get('a')?.maxPerSecond, 1, 'only what the deadline requires');
});
