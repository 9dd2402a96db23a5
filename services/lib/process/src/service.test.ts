import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from './log.ts';
import {
  combineReadiness,
  type NamedService,
  notReady,
  READY,
  readinessThroughOutages,
  startInOrder,
  stopInReverse,
} from './service.ts';

const log = silentLogger();

function part(name: string, trace: string[], over: Partial<NamedService['service']> = {}): NamedService {
  return {
    name,
    service: {
      start: async () => void trace.push(`+${name}`),
      stop: async () => void trace.push(`-${name}`),
      ready: () => READY,
      ...over,
    },
  };
}

test('parts start in order and stop in reverse', async () => {
  const trace: string[] = [];
  const parts = ['a', 'b', 'c'].map((name) => part(name, trace));
  await startInOrder(parts, log);
  await stopInReverse(parts, AbortSignal.timeout(1_000), log);
  assert.deepEqual(trace, ['+a', '+b', '+c', '-c', '-b', '-a']);
});

test('when one cannot start, those before it are stopped and the error passes on', async () => {
  const trace: string[] = [];
  const broken = part('b', trace, { start: () => Promise.reject(new Error('port taken')) });
  await assert.rejects(startInOrder([part('a', trace), broken, part('c', trace)], log), /port taken/);
  assert.deepEqual(trace, ['+a', '-a']);
});

test('a part that hangs or fails does not keep the others from stopping', async () => {
  const trace: string[] = [];
  const hangs = part('b', trace, { stop: () => new Promise(() => {}) });
  const fails = part('c', trace, { stop: () => Promise.reject(new Error('no')) });
  const startedAt = performance.now();
  await stopInReverse([part('a', trace), hangs, fails], AbortSignal.timeout(50), log);
  assert.deepEqual(trace, ['-a']);
  assert.ok(performance.now() - startedAt < 20_000);
});

test('readiness is reported with the name of each part that waits', () => {
  const waits = part('store', [], { ready: () => notReady('no answer from MongoDB') });
  assert.deepEqual(combineReadiness([part('a', [])]), READY);
  assert.deepEqual(combineReadiness([part('a', []), waits]), {
    ready: false,
    reason: 'store: no answer from MongoDB',
  });
});

test('an outage of what is shared does not end a readiness that may outlast it, once there was one', () => {
  let bus = notReady('connecting');
  let gateway = READY;
  const parts = [
    { ...part('bus', [], { ready: () => bus }), shared: true },
    part('gateway', [], { ready: () => gateway }),
  ];
  const readiness = readinessThroughOutages(parts);
  assert.deepEqual(readiness(), { ready: false, reason: 'bus: connecting' });
  bus = READY;
  assert.deepEqual(readiness(), READY);
  bus = notReady('no server');
  assert.deepEqual(readiness(), { ready: true, unavailable: 'bus: no server' });
  gateway = notReady('draining');
  assert.deepEqual(readiness(), { ready: false, reason: 'gateway: draining' });
  bus = READY;
  gateway = READY;
  assert.deepEqual(readiness(), READY);
});
