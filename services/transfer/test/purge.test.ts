import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { sleep } from '@im/kit';
import { encode, make } from '@im/protocol';
import { cursorRepo, dedupBlockRepo } from '@im/store';
import { IdleMarks } from '../src/idle-marks.ts';
import { slowest } from '../src/ownership.ts';
import { purgeLog } from '../src/purge.ts';
import {
  append,
  eventually,
  listen,
  rowsOf,
  type Servers,
  startProcess,
  startServers,
  TENANT,
  type TestProcess,
  textRecord,
} from './harness.ts';

const MIB = 1_048_576;
const nats = { logMaxBytes: 8 * MIB };

/** A record that is folded to nothing, of this size. */
function ballast(bytes: number): Uint8Array {
  const record = textRecord(`ballast-${Math.random()}`, { stored: false });
  const entry = make('log.Entry', { conversationID: 'si_a_b', msgData: Buffer.alloc(bytes) });
  return encode('log.Record', make('log.Record', { ...record, entries: [entry] }));
}

async function share({ bus }: TestProcess): Promise<number> {
  const { bytes, maxBytes } = await bus.log.info();
  return bytes / maxBytes;
}

async function partitionsOf(process: TestProcess): Promise<number> {
  const [sample] = await process.metrics.values('openim_transfer_partitions');
  return sample?.value ?? 0;
}

describe('the log stays open', () => {
  let servers: Servers;
  before(async () => {
    servers = await startServers();
  });
  after(async () => servers.stop());

  test('what a replay does not need goes when the log fills up; the process that takes over then loses and doubles nothing', async () => {
    const database = 'tight';
    const A = { from: 'ta', to: 'tb' };
    await using gateway = await startProcess(servers, database, { transfer: false, nats });
    const { got, feed } = listen(gateway.bus, ['tb']);
    await feed.barrier();
    const first = await startProcess(servers, database, { transfer: true, nats });
    for (let n = 0; n < 40; n++) await append(gateway.bus, textRecord(`m${n}`, A));
    await eventually(() => (got.length >= 40 ? undefined : `${got.length} deliveries`));
    const { firstPosition: begin, lastPosition: end } = await gateway.bus.log.info();
    // More than the log holds, at a pace that leaves room for the seconds that a replay needs.
    let written = 0;
    let highest = 0;
    while (written < 14 * MIB) {
      await gateway.bus.log.append(TENANT, 0, ballast(40_000));
      written += 40_000;
      highest = Math.max(highest, await share(gateway));
      await sleep(110);
    }
    assert.ok(highest < 0.9, `the log was ${highest} full`);
    const { firstPosition } = await gateway.bus.log.info();
    assert.ok(firstPosition > Math.max(begin, end), 'the texts are still in the log');
    // It dies; what clients send again after that is known, though the log does not hold it any more.
    await first.abandon();
    await using successor = await startProcess(servers, database, { transfer: true, nats });
    for (let n = 0; n < 50; n++) await append(gateway.bus, textRecord(`m${n}`, A));
    await eventually(() => (got.some(({ seq }) => seq === 50) ? undefined : 'not all delivered'));
    assert.deepEqual(
      await rowsOf(successor.store, 'si_ta_tb', 60),
      Array.from({ length: 50 }, (_, n) => [n + 1, `m${n}`]),
    );
    assert.deepEqual(
      got.map(({ seq, operationID }) => [seq, operationID]),
      Array.from({ length: 50 }, (_, n) => [n + 1, `op-m${n}`]),
    );
    await feed.stop();
  });

  test('a worker whose partitions get no records does not hold up the purge', async () => {
    const database = 'idle';
    await using first = await startProcess(servers, database, { transfer: true, nats });
    await using second = await startProcess(servers, database, { transfer: true, nats });
    await eventually(async () => {
      const shares = [await partitionsOf(first), await partitionsOf(second)];
      return shares[0] === 32 && shares[1] === 32 ? undefined : `shares ${shares}`;
    });
    const cursors = cursorRepo(first.store);
    const read = await cursors.read();
    const [busy] = read.partitions;
    assert.ok(busy);
    const before = slowest(read)?.applied ?? 0;
    const records = Array.from({ length: 1_500 }, (_, n) => textRecord(`i${n}`, { stored: false }));
    await Promise.all(
      records.map((record) => first.bus.log.append(TENANT, busy.partition, encode('log.Record', record))),
    );
    await eventually(async () => {
      const least = slowest(await cursors.read());
      return least !== undefined && least.applied >= before + 1_500 ? undefined : `slowest ${least?.applied}`;
    });
    // Two idle workers do not wake each other.
    await eventually(async () => {
      const { lastPosition } = await first.bus.log.info();
      await sleep(5_000);
      return (await first.bus.log.info()).lastPosition === lastPosition ? undefined : 'the log still grows';
    });
  });

  test('nothing is purged that a consumer has not folded yet', async () => {
    const database = 'unfolded';
    await using gateway = await startProcess(servers, database, { transfer: false, nats });
    const repos = { cursors: cursorRepo(gateway.store), dedupBlocks: dedupBlockRepo(gateway.store) };
    await repos.cursors.ensurePartitions(64);
    assert.equal(await purgeLog(gateway.bus, repos), undefined);
    assert.equal(await new IdleMarks(gateway.bus.log).poll([], 0), 0);
  });
});
