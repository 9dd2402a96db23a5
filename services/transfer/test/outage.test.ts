import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { sleep } from '@im/kit';
import {
  append,
  eventually,
  listen,
  rowsOf,
  type Servers,
  startProcess,
  startServers,
  textRecord,
} from './harness.ts';
import { Load } from './load.ts';

describe('servers that die under load', () => {
  let servers: Servers;
  before(async () => {
    servers = await startServers();
  });
  after(async () => servers.stop());

  test('NATS killed again and again: nothing acknowledged is lost, doubled or reordered', async () => {
    const database = 'natsdies';
    await using gateway = await startProcess(servers, database, { transfer: false });
    await using worker = await startProcess(servers, database);
    const load = new Load(gateway, { name: database });
    await load.start();
    for (let kill = 0; kill < 4; kill++) {
      await sleep(500);
      await servers.nats.kill();
      await sleep(kill * 200);
      await servers.nats.restart();
    }
    await sleep(500);
    await load.end();
    await load.verify(worker.store);
  });

  test('MongoDB killed again and again: the same', async () => {
    const database = 'mongodies';
    await using gateway = await startProcess(servers, database, { transfer: false });
    await using worker = await startProcess(servers, database);
    const load = new Load(gateway, { name: database });
    await load.start();
    for (let kill = 0; kill < 3; kill++) {
      await sleep(500);
      await servers.mongo.kill();
      await sleep(kill * 200);
      await servers.mongo.restart();
    }
    await sleep(500);
    await load.end();
    await load.verify(worker.store);
  });

  test('one conversation with twenty in flight stays without gaps', async () => {
    const database = 'hot';
    await using worker = await startProcess(servers, database);
    const { got, feed } = listen(worker.bus, ['hotb']);
    await feed.barrier();
    let sent = 0;
    const until = Date.now() + 2_000;
    await Promise.all(
      Array.from({ length: 20 }, async () => {
        while (Date.now() < until) {
          await append(worker.bus, textRecord(`h${sent++}`, { from: 'hota', to: 'hotb' }));
        }
      }),
    );
    await eventually(() => (got.length >= sent ? undefined : `${got.length} of ${sent}`));
    const expected = Array.from({ length: sent }, (_, i) => i + 1);
    assert.deepEqual(
      got.map((delivery) => delivery.seq),
      expected,
    );
    const rows = await rowsOf(worker.store, 'si_hota_hotb', sent);
    assert.deepEqual(
      rows.map(([seq]) => seq),
      expected,
    );
    assert.equal(new Set(rows.map(([, text]) => text)).size, sent);
    await feed.stop();
  });
});
