import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ProcessStatus } from '@im/contract';
import { createMetrics, createTaskRunner, silentLogger } from '@im/process';
import { Observer } from './observer.ts';
import type { Target } from './reports.ts';

const status = (change: object = {}) =>
  ({ version: '1', configHash: 'h', eventLoopDelayMs: 1, rssBytes: 1, ...change }) as ProcessStatus;
const target = (pod: string): Target => ({ pod, host: pod, role: 'gateway', ready: true });
const gateway = (connections: number, handshakesPerSecond = 0) => ({
  connections,
  users: connections,
  handshakesPerSecond,
  draining: false,
  drainRemaining: 0,
  drainEtaSeconds: 0,
});

/** An observer of processes that answer by `answer`; ends with the test. */
function observing(answer: (host: string) => Promise<ProcessStatus>) {
  const [log, metrics] = [silentLogger(), createMetrics()];
  const tasks = createTaskRunner({ log, metrics });
  const changed: string[] = [];
  const stop = new AbortController();
  const onChange = (key: string) => changed.push(key);
  const observer = new Observer({ processes: { status: answer }, tasks, log, onChange });
  const running = observer.run(stop.signal);
  return {
    observer,
    changed,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
      await tasks.stop();
    },
  };
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 15_000;
  while (!condition()) {
    assert.ok(performance.now() < deadline, 'timed out');
    await sleep(20);
  }
}

test('polls of all clusters together are bounded, and a silent cluster delays no other', async () => {
  let [now, most] = [0, 0];
  await using fixture = observing(async (host) => {
    now += 1;
    most = Math.max(most, now);
    await sleep(host.startsWith('silent') ? 400 : 20);
    now -= 1;
    if (host.startsWith('silent')) throw new Error('no answer');
    return status();
  });
  const pods = Array.from({ length: 100 }, (_, i) => target(`silent-${i}`));
  fixture.observer.watch('im/silent', () => ({ targets: pods, checks: {} }));
  for (let i = 0; i < 40; i++) {
    const targets = [target(`a-${i}`), target(`b-${i}`), target(`c-${i}`)];
    fixture.observer.watch(`im/${i}`, () => ({ targets, checks: {} }));
  }
  await until(() => fixture.observer.observationOf('im/39').observedAt !== undefined);
  assert.equal(fixture.observer.observationOf('im/silent').observedAt, undefined);
  assert.ok(most <= 64, `${most} at once`);
  assert.ok(most > 16, `${most} at once`);
});

test('checks of all clusters together are bounded, and slow failures delay neither polls nor usable stores', async () => {
  let [now, most] = [0, 0];
  await using fixture = observing(async () => status());
  const failing = async () => {
    now += 1;
    most = Math.max(most, now);
    await sleep(300);
    now -= 1;
    return { ok: false as const, reason: 'Unreachable' as const, message: 'no answer' };
  };
  const slow = { nats: failing, mongodb: failing, redis: failing, objectStorage: failing };
  for (let i = 0; i < 60; i++) {
    fixture.observer.watch(`im/slow-${i}`, () => ({ targets: [target(`slow-${i}`)], checks: slow }));
  }
  const { observer } = fixture;
  await until(() => observer.observationOf('im/slow-59').observedAt !== undefined);
  assert.equal(observer.observationOf('im/slow-59').stores.redis, undefined, 'polled before it was checked');
  await until(() => observer.observationOf('im/slow-59').stores.redis !== undefined);
  assert.ok(most >= 32 && most <= 48, `${most} at once`);
  // From here on all slow ones are known as failing.
  await until(() => now <= 16);
  let checks = 0;
  const usable = async () => {
    checks += 1;
    return { ok: true as const, detail: {} };
  };
  observer.watch('im/good', () => ({ targets: [target('good')], checks: { redis: usable } }));
  await until(() => checks > 0);
  assert.equal(observer.observationOf('im/good').stores.redis?.ok, true);
});

test('an answer survives failed polls, and a change of figures within a twentieth triggers nothing', async () => {
  let answer: () => ProcessStatus = () => status({ gateway: gateway(1_000) });
  let polls = 0;
  await using fixture = observing(async () => {
    polls += 1;
    return answer();
  });
  const { observer, changed } = fixture;
  observer.watch('im/chat', () => ({ targets: [target('a')], checks: {} }));
  assert.equal(observer.observationOf('im/chat').complete, false, 'nothing has been polled yet');
  await until(() => observer.observationOf('im/chat').complete);
  assert.deepEqual(changed, ['im/chat']);
  answer = () => status({ eventLoopDelayMs: 2, gateway: gateway(1_010, 5) });
  await until(() => observer.observationOf('im/chat').processes.get('a')?.gateway?.connections === 1_010);
  answer = () => {
    throw new Error('no answer');
  };
  const [before, at] = [polls, observer.observationOf('im/chat').reports.get('a')?.at];
  await until(() => polls > before);
  await sleep(50);
  assert.deepEqual(changed, ['im/chat'], 'small changes and one failed poll trigger nothing');
  const after = observer.observationOf('im/chat');
  assert.equal(after.processes.get('a')?.gateway?.connections, 1_010);
  assert.equal(after.complete, true);
  assert.ok((after.reports.get('a')?.at ?? 0) >= (at ?? 1), 'the time of the answer');
  answer = () => status({ gateway: gateway(2_000) });
  await until(() => changed.length === 2);
});

test('a cluster that is no longer watched is not known', async () => {
  await using fixture = observing(async () => status());
  fixture.observer.watch('im/chat', () => ({ targets: [target('a')], checks: {} }));
  await until(() => fixture.observer.observationOf('im/chat').observedAt !== undefined);
  fixture.observer.forget('im/chat');
  assert.equal(fixture.observer.observationOf('im/chat').observedAt, undefined);
});
