import { after, before, describe, test } from 'node:test';
import { sleep } from '@im/kit';
import { Freeze } from './freeze.ts';
import { eventually, type Servers, startProcess, startServers, type TestProcess } from './harness.ts';
import { Load } from './load.ts';

async function partitionsOf(process: TestProcess): Promise<number> {
  const [sample] = await process.metrics.values('openim_transfer_partitions');
  return sample?.value ?? 0;
}

describe('partitions that change hands', () => {
  let servers: Servers;
  before(async () => {
    servers = await startServers();
  });
  after(async () => servers.stop());

  test('two workers share, and each takes over all when the other ends', async () => {
    const database = 'share';
    await using gateway = await startProcess(servers, database, { transfer: false });
    const load = new Load(gateway, { name: database });
    await using first = await startProcess(servers, database);
    await load.start();
    await eventually(async () => ((await partitionsOf(first)) === 64 ? undefined : 'not all taken'));
    const second = await startProcess(servers, database);
    await eventually(async () => {
      const shares = [await partitionsOf(first), await partitionsOf(second)];
      return shares[0] === 32 && shares[1] === 32 ? undefined : `shares ${shares}`;
    });
    await sleep(300);
    await second.stop();
    await eventually(async () => ((await partitionsOf(first)) === 64 ? undefined : 'not taken back'));
    await load.end();
    await load.verify(first.store);
  });

  test('a worker that was stopped and goes on after it lost everything does no harm', async () => {
    const database = 'stale';
    await using gateway = await startProcess(servers, database, { transfer: false });
    const load = new Load(gateway, { name: database });
    const freeze = new Freeze();
    await using stale = await startProcess(servers, database, { transfer: true, plant: freeze.plant });
    await load.start();
    await eventually(() => (load.delivered >= 50 ? undefined : 'nothing delivered yet'));
    freeze.freeze();
    const { delivered } = load;
    await using successor = await startProcess(servers, database);
    await eventually(() => (load.delivered > delivered + 200 ? undefined : 'the successor does not deliver'));
    await eventually(async () => ((await partitionsOf(successor)) === 64 ? undefined : 'not all taken'));
    freeze.thaw();
    await sleep(1_500);
    await load.end();
    await load.verify(successor.store);
    await eventually(async () => ((await partitionsOf(stale)) === 0 ? undefined : 'it still folds'));
  });

  test('a worker that is stopped for less than its lease goes on', async () => {
    const database = 'pause';
    await using gateway = await startProcess(servers, database, { transfer: false });
    const load = new Load(gateway, { name: database });
    const freeze = new Freeze();
    await using only = await startProcess(servers, database, { transfer: true, plant: freeze.plant });
    await load.start();
    await sleep(300);
    freeze.freeze();
    await sleep(700);
    freeze.thaw();
    await sleep(300);
    await load.end();
    await load.verify(only.store);
  });
});
