import assert from 'node:assert/strict';
import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { log } from '@im/protocol';
import { append, eventually, listen, rowsOf, startProcess, startServers, textRecord } from './harness.ts';

const A = { from: 'la', to: 'lb' };

async function send(bus: Parameters<typeof append>[0], from: number, to: number): Promise<void> {
  for (let n = from; n < to; n++) await append(bus, textRecord(`m${n}`, A));
}

function assertOnce(got: readonly log.Delivery[], count: number): void {
  assert.deepEqual(
    got.map((delivery) => [delivery.seq, delivery.operationID]),
    Array.from({ length: count }, (_, n) => [n + 1, `op-m${n}`]),
  );
}

describe('a log that is not what it was', () => {
  test('made anew: seqs go on, and what clients send again is known', async () => {
    const servers = await startServers();
    const nats = { storage: 'memory', logMaxBytes: 100_000_000 } as const;
    try {
      await using p = await startProcess(servers, 'anew', { transfer: true, nats });
      const { got, feed } = listen(p.bus, ['lb']);
      await feed.barrier();
      await send(p.bus, 0, 30);
      await eventually(() => (got.length >= 30 ? undefined : `${got.length} deliveries`));
      // Dedup keys are written down every two seconds.
      await new Promise((resolve) => setTimeout(resolve, 2_500));
      await send(p.bus, 30, 31);
      await eventually(() => (got.length >= 31 ? undefined : `${got.length} deliveries`));
      await new Promise((resolve) => setTimeout(resolve, 500));
      await servers.nats.kill();
      await servers.nats.restart();
      await eventually(() => (p.service.ready().ready && p.bus.ready().ready ? undefined : 'not ready'));
      // A client that did not hear the answer to its last message.
      await send(p.bus, 25, 30);
      await send(p.bus, 31, 60);
      await eventually(() => (got.length >= 60 ? undefined : `${got.length} deliveries`));
      assertOnce(got, 60);
      assert.equal((await rowsOf(p.store, 'si_la_lb', 60)).length, 60);
      await feed.stop();
    } finally {
      await servers.stop();
    }
  });

  test('set back to an earlier state: nothing is counted twice, what comes then is counted', async () => {
    const servers = await startServers();
    const store = join(servers.dir, 'nats', 'store');
    const copy = join(servers.dir, 'nats-copy');
    try {
      await using p = await startProcess(servers, 'setback');
      const { got, feed } = listen(p.bus, ['lb']);
      await feed.barrier();
      await send(p.bus, 0, 30);
      await eventually(() => (got.length >= 30 ? undefined : `${got.length} deliveries`));
      await servers.nats.stop();
      await cp(store, copy, { recursive: true });
      await servers.nats.restart();
      await send(p.bus, 30, 60);
      await eventually(() => (got.length >= 60 ? undefined : `${got.length} deliveries`));
      await new Promise((resolve) => setTimeout(resolve, 500));
      await servers.nats.stop();
      await rm(store, { recursive: true });
      await cp(copy, store, { recursive: true });
      await servers.nats.restart();
      await send(p.bus, 60, 70);
      await eventually(() => (got.length >= 70 ? undefined : `${got.length} deliveries`));
      assertOnce(got, 70);
      assert.equal((await rowsOf(p.store, 'si_la_lb', 70)).length, 70);
      await feed.stop();
    } finally {
      await servers.stop();
    }
  });
});
