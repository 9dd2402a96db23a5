import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from './log.ts';
import {
  combineReadiness,
  type NamedService,
  notReady,
  READY,
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
  const begun = performance.now();
  await stopInReverse([part('a', trace), hangs, fails], AbortSignal.timeout(50), log);
  assert.deepEqual(trace, ['-a']);
  assert.ok(performance.now() - begun < 20_000);
});

test('readiness is reported with the name of each part that waits', () => {
  const waits = part('store', [], { ready: () => notReady('no answer from MongoDB') });
  assert.deepEqual(combineReadiness([part('a', [])]), READY);
  assert.deepEqual(combineReadiness([part('a', []), waits]), {
    ready: false,
    reason: 'store: no answer from MongoDB',
  });
});
