import assert from 'node:assert/strict';
import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { startNats } from '@im/dev-stores';
import { sleep } from '@im/kit';
import type { log } from '@im/protocol';
import {
  append,
  eventually,
  listen,
  type Plant,
  rowsOf,
  startProcess,
  startServers,
  textRecord,
} from './harness.ts';
import { override, watchWrites } from './override.ts';

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

/** A database in which progress is not written any more from a moment on, though everything else is. */
function withoutProgress(): { readonly plant: Plant; stop(): void } {
  let stopped = false;
  const plant: Plant = {
    store: (store) =>
      override(store, {
        shared: ((name: string) =>
          watchWrites(store.shared(name), ({ args }, work) => {
            const update = args[1] as { readonly $set?: object } | undefined;
            const isProgress = name === 'cursor' && update?.$set !== undefined && 'applied' in update.$set;
            return stopped && isProgress ? Promise.resolve(undefined as never) : work();
          })) as typeof store.shared,
      }),
  };
  return { plant, stop: () => (stopped = true) };
}

describe('a log that is not what it was', () => {
  for (const reader of ['runs', 'is started later']) {
    test(`set back and grown again beyond the cursor, while transfer ${reader}: all that was acknowledged is stored once, under its own seq`, async () => {
      const servers = await startServers();
      const store = join(servers.dir, 'nats', 'store');
      const copy = join(servers.dir, 'nats-copy');
      try {
        await using gateway = await startProcess(servers, 'regrown', { transfer: false });
        const first = await startProcess(servers, 'regrown');
        const { got, feed } = listen(gateway.bus, ['lb']);
        await feed.barrier();
        await send(gateway.bus, 0, 30);
        await eventually(() => (got.length >= 30 ? undefined : `${got.length} deliveries`));
        await servers.nats.stop();
        await cp(store, copy, { recursive: true });
        await servers.nats.restart();
        await send(gateway.bus, 30, 40);
        await eventually(() => (got.length >= 40 ? undefined : `${got.length} deliveries`));
        await sleep(500);
        if (reader !== 'runs') await first.stop();
        await servers.nats.stop();
        // The log grows before transfer sees it again: as it does when many processes have records waiting.
        const dir = join(servers.dir, 'elsewhere');
        await cp(copy, join(dir, 'store'), { recursive: true });
        const elsewhere = await startNats({ dir });
        const writer = await startProcess({ ...servers, nats: elsewhere }, 'regrown', { transfer: false });
        await send(writer.bus, 40, 60);
        await writer.stop();
        await elsewhere.stop();
        await rm(store, { recursive: true });
        await cp(join(dir, 'store'), store, { recursive: true });
        await servers.nats.restart();
        await using second = reader === 'runs' ? first : await startProcess(servers, 'regrown');
        await eventually(() => (got.length >= 60 ? undefined : `${got.length} deliveries`));
        assertOnce(got, 60);
        assert.deepEqual(
          await rowsOf(second.store, 'si_la_lb', 60),
          Array.from({ length: 60 }, (_, n) => [n + 1, `m${n}`]),
        );
        await feed.stop();
      } finally {
        await servers.stop();
      }
    });
  }

  for (const [order, turned] of [
    ['in the same order', 0],
    ['so that each position has another conversation', 1],
  ] as const) {
    test(`loses what was counted beyond the cursor of a transfer that died, and grows again ${order}: nothing is lost, doubled or under another's seq`, async () => {
      const servers = await startServers();
      const store = join(servers.dir, 'nats', 'store');
      const copy = join(servers.dir, 'nats-copy');
      const peers = ['lb', 'lc'] as const;
      const expected = new Map<string, string[]>(peers.map((peer) => [peer, []]));
      const sendBoth = async (bus: Parameters<typeof append>[0], from: number, to: number, turn = 0) => {
        for (let n = from; n < to; n++) {
          const peer = peers[(n + turn) % 2] as string;
          await append(bus, textRecord(`m${n}`, { from: 'la', to: peer }));
          expected.get(peer)?.push(`m${n}`);
        }
      };
      try {
        await using gateway = await startProcess(servers, 'beyond', { transfer: false });
        const progress = withoutProgress();
        const first = await startProcess(servers, 'beyond', { transfer: true, plant: progress.plant });
        const { got, feed } = listen(gateway.bus, peers);
        await feed.barrier();
        // What the feed was given more than once, gateways forward once.
        const seen = () =>
          new Map(
            got.map(
              (delivery) =>
                [`${delivery.conversationID} ${delivery.seq} ${delivery.operationID}`, delivery] as const,
            ),
          );
        const delivered = (count: number) =>
          eventually(() => (seen().size >= count ? undefined : `${seen().size} deliveries`));
        await sendBoth(gateway.bus, 0, 30);
        await delivered(30);
        await eventually(async () => {
          const last = (await gateway.bus.log.info()).lastPosition;
          const consumers = await gateway.store
            .shared<{ _id: string; applied: number }>('cursor')
            .find()
            .toArray();
          return consumers.some(({ applied }) => applied === last) ? undefined : 'the cursor is behind';
        });
        progress.stop();
        // Counted beyond the cursor, and still in the log afterwards.
        await sendBoth(gateway.bus, 30, 36);
        await delivered(36);
        await servers.nats.stop();
        await cp(store, copy, { recursive: true });
        await servers.nats.restart();
        // Counted beyond the cursor, and lost by the log.
        await sendBoth(gateway.bus, 36, 46);
        await delivered(46);
        await first.abandon();
        await servers.nats.stop();
        const dir = join(servers.dir, 'elsewhere');
        await cp(copy, join(dir, 'store'), { recursive: true });
        const elsewhere = await startNats({ dir });
        const writer = await startProcess({ ...servers, nats: elsewhere }, 'beyond', { transfer: false });
        await sendBoth(writer.bus, 46, 70, turned);
        await writer.stop();
        await elsewhere.stop();
        await rm(store, { recursive: true });
        await cp(join(dir, 'store'), store, { recursive: true });
        await servers.nats.restart();
        // The third finds the epoch started, and what was counted before it in the log once more.
        for (const [from, to] of [
          [70, 70],
          [70, 74],
        ] as const) {
          const successor = await startProcess(servers, 'beyond');
          await sendBoth(gateway.bus, from, to);
          await delivered(to);
          await successor.stop();
        }
        for (const peer of peers) {
          const numbered = (expected.get(peer) ?? []).map((text, n) => [n + 1, text]);
          assert.deepEqual(await rowsOf(gateway.store, `si_la_${peer}`, 80), numbered);
          assert.deepEqual(
            [...seen().values()]
              .filter(({ conversationID }) => conversationID === `si_la_${peer}`)
              .map((delivery) => [delivery.seq, delivery.operationID]),
            numbered.map(([seq, text]) => [seq, `op-${text}`]),
          );
        }
        await feed.stop();
      } finally {
        await servers.stop();
      }
    });
  }

  test('recreated: seqs go on, and what clients send again is known', async () => {
    const servers = await startServers();
    const nats = { storage: 'memory', logMaxBytes: 100_000_000 } as const;
    try {
      await using p = await startProcess(servers, 'recreated', { transfer: true, nats });
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
