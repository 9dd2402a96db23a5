import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { DEFAULT_TENANT, ServerConfig, STREAM, tenantId, tenantSettings } from '@im/contract';
import type { Backend } from '@im/dev-stores';
import { sleep, staticTenants } from '@im/kit';
import { createLiveConfig } from '@im/process';
import { ERR, ImError } from '@im/protocol';
import { connect } from '@nats-io/transport-node';
import { UNFOLDED_BYTES, UNFOLDED_MS } from '../src/fold-pace.ts';
import { type LogEntry, LogRecreatedError } from '../src/index.ts';
import { startTestBus, startTestNats, toUser, until } from './bus-harness.ts';

let nats: Backend;
before(async () => {
  nats = await startTestNats();
});
after(async () => {
  await nats[Symbol.asyncDispose]();
});

const text = (entry: LogEntry) => Buffer.from(entry.record).toString();
const all = Array.from({ length: 64 }, (_, i) => i);

test('records of one partition come back in the order of the calls, with tenant, partition and time', async () => {
  await using one = await startTestBus(nats.uri);
  const { log } = one.bus;
  await until(() => one.bus.ready().ready, 'ready');
  const other = tenantId('t2');
  const before = Date.now();
  const { lastPosition, createdMs } = await log.info();
  // Few go one by one, many as one batch.
  const appended = await Promise.all([
    ...Array.from({ length: 3 }, (_, i) => log.append(DEFAULT_TENANT, i, Buffer.from(`a${i}`))),
  ]);
  const many = await Promise.all(
    Array.from({ length: 1_500 }, (_, i) => log.append(other, i % 64, Buffer.from(`b${i}`))),
  );
  const names = new Map<number, string>();
  for (const [i, { position }] of appended.entries()) names.set(position - lastPosition, `a${i}`);
  for (const [i, { position }] of many.entries()) names.set(position - lastPosition, `b${i}`);
  const ordered = Array.from({ length: 1_503 }, (_, i) => names.get(i + 1));
  const read: LogEntry[] = [];
  const end = new AbortController();
  await log.read({
    partitions: all,
    from: { position: lastPosition + 1 },
    createdMs,
    async onBatch(entries) {
      assert.ok(entries.length <= 1_000);
      read.push(...entries);
      if (read.length >= 1_503) end.abort();
    },
    signal: end.signal,
  });
  assert.deepEqual(read.map(text), ordered, 'each at its position, without gaps');
  for (const partition of all) {
    const numbers = read
      .filter((entry) => entry.tenant === other && entry.partition === partition)
      .map((entry) => Number(text(entry).slice(1)));
    const expected = Array.from({ length: 1_500 }, (_, i) => i).filter((i) => i % 64 === partition);
    assert.deepEqual(numbers, expected);
  }
  assert.equal(read[1]?.partition, 1);
  assert.equal(read[1]?.tenant, DEFAULT_TENANT);
  assert.equal(read[3]?.tenant, other);
  assert.ok(read.every((entry) => Math.abs(entry.timeMs - before) < 10_000));
});

test('some partitions only; by position and by time; one entry; nothing', async () => {
  await using one = await startTestBus(nats.uri);
  const { log } = one.bus;
  await until(() => one.bus.ready().ready, 'ready');
  const { position: first } = await log.append(DEFAULT_TENANT, 7, Buffer.from('seven'));
  await log.append(DEFAULT_TENANT, 8, Buffer.from('eight'));
  await sleep(5);
  const since = Date.now();
  await sleep(5);
  await log.append(DEFAULT_TENANT, 7, Buffer.from('seven again'));
  const { createdMs } = await log.info();
  for (const [from, expected] of [
    [{ position: first }, ['seven', 'seven again']],
    [{ timeMs: since }, ['seven again']],
  ] as const) {
    const read: string[] = [];
    const end = new AbortController();
    await log.read({
      partitions: [7, 9],
      from,
      createdMs,
      async onBatch(entries) {
        read.push(...entries.map(text));
        if (read.length >= expected.length) end.abort();
      },
      signal: end.signal,
    });
    assert.deepEqual(read, expected);
  }
  const entry = await log.entryAt(first);
  assert.equal(entry && text(entry), 'seven');
  assert.equal(await log.entryAt(first + 1_000), undefined);
  assert.equal((await log.firstSince(since))?.position, first + 2);
  assert.equal(await log.firstSince(Date.now() + 60_000), undefined);
});

test('batches gather what follows each other fast; the first and a full one wait for nothing', {
  timeout: 30_000,
}, async () => {
  await using one = await startTestBus(nats.uri);
  const { log } = one.bus;
  await until(() => one.bus.ready().ready, 'ready');
  const { lastPosition, createdMs } = await log.info();
  const batches: string[] = [];
  const end = new AbortController();
  const reading = log.read({
    partitions: all,
    from: { position: lastPosition + 1 },
    createdMs,
    maxBatch: 2,
    // It would outlast the test: what comes must be a first batch, or a full one.
    gatherMs: 60_000,
    onBatch: async (entries) => void batches.push(entries.map(text).join(' ')),
    signal: end.signal,
  });
  const append = (name: string) => log.append(DEFAULT_TENANT, 0, Buffer.from(name));
  await append('a');
  await until(() => batches.length === 1, 'the first batch');
  await append('b');
  await append('c');
  await until(() => batches.length === 2, 'the full batch');
  await append('d');
  await sleep(50);
  assert.deepEqual(batches, ['a', 'b c']);
  end.abort();
  await reading;
});

test('reading goes on behind a slow reader and through kills of the server, each entry once', async () => {
  await using one = await startTestBus(nats.uri);
  const { log } = one.bus;
  await until(() => one.bus.ready().ready, 'ready');
  const { lastPosition, createdMs } = await log.info();
  const total = 3_000;
  const acknowledged = new Set<string>();
  const read: LogEntry[] = [];
  const end = new AbortController();
  const reading = log.read({
    partitions: all,
    from: { position: lastPosition + 1 },
    createdMs,
    maxBatch: 50,
    async onBatch(entries) {
      read.push(...entries);
      await sleep(1);
    },
    signal: end.signal,
  });
  const writing = (async () => {
    for (let i = 0; i < total; i += 10) {
      const batch = Array.from({ length: 10 }, async (_, k) => {
        await log.append(DEFAULT_TENANT, (i + k) % 64, Buffer.from(`k${i + k}`));
        acknowledged.add(`k${i + k}`);
      });
      await Promise.all(batch);
    }
  })();
  for (let kill = 0; kill < 3; kill++) {
    await sleep(300);
    await nats.kill();
    await nats.restart();
  }
  await writing;
  assert.equal(acknowledged.size, total);
  await until(() => one.bus.ready().ready, 'ready after the last kill');
  const { lastPosition: last } = await log.info();
  await until(() => (read.at(-1)?.position ?? 0) >= last, 'everything read');
  end.abort();
  await reading;
  // A batch whose acknowledgement was lost is in the log twice; no position is read twice.
  assert.deepEqual(
    read.map(({ position }) => position),
    Array.from({ length: last - lastPosition }, (_, i) => lastPosition + 1 + i),
  );
  const seen = new Set(read.map(text));
  for (const record of acknowledged) assert.ok(seen.has(record), `${record} was acknowledged`);
});

test('a server that is away for too long fails the append with a retryable error', async () => {
  await using one = await startTestBus(nats.uri, { publishTimeoutMs: 700 });
  const { log } = one.bus;
  await until(() => one.bus.ready().ready, 'ready');
  await nats.kill();
  const startedAt = performance.now();
  await assert.rejects(
    log.append(DEFAULT_TENANT, 0, Buffer.from('x')),
    (error) => error instanceof ImError && error.code === ERR.NetworkError,
  );
  assert.ok(performance.now() - startedAt < 6_000);
  assert.equal(one.bus.ready().ready, false);
  await nats.restart();
  await until(() => one.bus.ready().ready, 'ready again');
  await log.append(DEFAULT_TENANT, 0, Buffer.from('y'));
});

test('a record that the server does not take is refused alone', async () => {
  await using one = await startTestBus(nats.uri);
  const { log } = one.bus;
  await until(() => one.bus.ready().ready, 'ready');
  const results = await Promise.allSettled([
    log.append(DEFAULT_TENANT, 0, Buffer.from('a')),
    log.append(DEFAULT_TENANT, 0, Buffer.alloc(8 * 1_048_576)),
    ...Array.from({ length: 20 }, () => log.append(DEFAULT_TENANT, 0, Buffer.from('b'))),
  ]);
  const refused = results.filter((result) => result.status === 'rejected');
  assert.equal(refused.length, 1);
  assert.equal(refused[0]?.reason.code, ERR.ArgsError);
});

test('a full log refuses; what fits into the last tenth was refused before', async () => {
  const own = await startTestNats();
  try {
    await using one = await startTestBus(own.uri, { logMaxBytes: 1_048_576, publishTimeoutMs: 2_000 });
    const { log } = one.bus;
    await until(() => one.bus.ready().ready, 'ready');
    const results = await Promise.allSettled(
      Array.from({ length: 200 }, () => log.append(DEFAULT_TENANT, 0, Buffer.alloc(10_000))),
    );
    const refusals = results.filter((result) => result.status === 'rejected');
    assert.ok(refusals.length > 90, `${refusals.length} refused`);
    for (const { reason } of refusals) assert.equal(reason.code, ERR.NetworkError);
    for (let i = 0; i < 30; i++) {
      await log.append(DEFAULT_TENANT, 0, Buffer.alloc(40_000)).catch(() => undefined);
    }
    // Processes look at its size every two seconds.
    const refusal = () =>
      log.append(DEFAULT_TENANT, 0, Buffer.alloc(10)).then(
        () => '',
        (error) => String(error),
      );
    await until(async () => /the message log is full/.test(await refusal()), 'refused');
    const { lastPosition } = await log.info();
    await log.purgeBefore(lastPosition);
    assert.equal((await log.info()).firstPosition, lastPosition);
    await until(async () => (await refusal()) === '', 'taken again');
  } finally {
    await own[Symbol.asyncDispose]();
  }
});

test('a tenant that fills more than its share of a log is refused, others are not', async () => {
  const own = await startTestNats();
  try {
    const shop = tenantSettings({ id: 'shop', tokenSecret: 's', adminSecret: 's' });
    const tenants = staticTenants([
      tenantSettings({ id: 'flood', tokenSecret: 's', adminSecret: 's' }),
      shop,
    ]);
    await using one = await startTestBus(own.uri, { logMaxBytes: 2_097_152 }, undefined, tenants);
    const { log } = one.bus;
    await until(() => one.bus.ready().ready, 'ready');
    const flood = tenantId('flood');
    let refusal: { readonly code: number; readonly detail: string } | undefined;
    for (let i = 0; i < 185 && !refusal; i++) {
      if (i > 150) await sleep(200);
      refusal = await log.append(flood, 0, Buffer.alloc(10_000)).then(
        () => undefined,
        (error) => error,
      );
    }
    assert.equal(refusal?.code, ERR.NetworkError);
    assert.match(refusal?.detail ?? '', /messages of tenant flood fill 7\d % of the message log/);
    await log.append(shop.id, 0, Buffer.alloc(10_000));
    tenants.remove(shop.id);
    await log.append(flood, 0, Buffer.alloc(10));
  } finally {
    await own[Symbol.asyncDispose]();
  }
});

test('a log that was recreated ends the reading', async () => {
  const own = await startTestNats();
  try {
    await using one = await startTestBus(own.uri, { storage: 'memory', logMaxBytes: 100_000_000 });
    const { log } = one.bus;
    await until(() => one.bus.ready().ready, 'ready');
    await log.append(DEFAULT_TENANT, 0, Buffer.from('gone'));
    const { createdMs } = await log.info();
    const reading = log.read({
      partitions: all,
      from: { position: 1 },
      createdMs,
      onBatch: async () => undefined,
      signal: AbortSignal.timeout(20_000),
    });
    const outcome = assert.rejects(reading, LogRecreatedError);
    await sleep(100);
    await own.kill();
    await own.restart();
    await outcome;
  } finally {
    await own[Symbol.asyncDispose]();
  }
});

test('deleted streams are created again', async () => {
  const own = await startTestNats();
  try {
    await using one = await startTestBus(own.uri, { publishTimeoutMs: 8_000 });
    await until(() => one.bus.ready().ready, 'ready');
    await one.bus.log.append(DEFAULT_TENANT, 0, Buffer.from('x'));
    const operator = await connect({ servers: own.uri });
    await operator.request('$JS.API.STREAM.DELETE.MSGS');
    await operator.request('$JS.API.STREAM.DELETE.SEQ');
    await operator.close();
    const { position } = await one.bus.log.append(DEFAULT_TENANT, 0, Buffer.from('y'));
    assert.equal(position, 1);
    await one.bus.deliveries.publish([toUser('a', 'c', 1)]);
  } finally {
    await own[Symbol.asyncDispose]();
  }
});

test('a larger log takes effect while the process runs', async () => {
  const own = await startTestNats();
  try {
    const settings = ServerConfig.parse({ nats: { servers: [own.uri], logMaxBytes: 2_097_152 } });
    const live = createLiveConfig(settings);
    await using one = await startTestBus(own.uri, { logMaxBytes: 2_097_152 }, live);
    await using other = await startTestBus(own.uri, { logMaxBytes: 2_097_152 });
    await until(() => one.bus.ready().ready && other.bus.ready().ready, 'ready');
    await one.bus.log.append(DEFAULT_TENANT, 0, Buffer.from('kept'));
    live.apply({ ...settings, nats: { ...settings.nats, logMaxBytes: 8_388_608 } });
    await until(async () => (await one.bus.log.info()).maxBytes === 8_388_608, 'the larger size');
    const { firstPosition, lastPosition } = await other.bus.log.info();
    assert.deepEqual([firstPosition, lastPosition], [1, 1]);
  } finally {
    await own[Symbol.asyncDispose]();
  }
});

test('large records wait until others are folded; small ones overtake them, and all are appended', async (t) => {
  await using one = await startTestBus(nats.uri);
  const { log } = one.bus;
  await until(() => one.bus.ready().ready, 'ready');
  const { lastPosition, createdMs } = await log.info();
  // One fills the window.
  const large = Buffer.alloc(2 * UNFOLDED_BYTES, 'x');
  const order: string[] = [];
  const append = async (name: string, partition: number, record: Uint8Array) => {
    const { position } = await log.append(DEFAULT_TENANT, partition, record);
    order.push(name);
    return position;
  };
  const startedAt = performance.now();
  const appends = Array.from({ length: 12 }, (_, i) => append(`large${i}`, i, large));
  await until(() => order.length > 0, 'a window of large records is in the log');
  const before = order.length;
  await append('small', 40, Buffer.from('small'));
  // With time, large records are let in that are not folded: on a machine that stalls also during these lines.
  const tookMs = performance.now() - startedAt;
  if (tookMs < UNFOLDED_MS) {
    assert.equal(before, 1, 'large records are in the log, none of them folded');
    assert.equal(order.length, before + 1, 'the small one did not wait for them');
  } else
    t.diagnostic(
      `not shown that a small one overtakes large ones: the machine took ${Math.round(tookMs)} ms`,
    );

  const end = new AbortController();
  let read = 0;
  const reading = log.read({
    partitions: all,
    from: { position: lastPosition + 1 },
    createdMs,
    async onBatch(entries) {
      read += entries.length;
      log.announceFolded(entries);
      if (read === 13) end.abort();
    },
    signal: end.signal,
  });
  await reading;
  const positions = await Promise.all(appends);
  assert.equal(new Set(positions).size, 12);
});

test('without a transfer that announces, large records are appended nevertheless', async () => {
  await using one = await startTestBus(nats.uri);
  const { log } = one.bus;
  await until(() => one.bus.ready().ready, 'ready');
  const large = Buffer.alloc(512 * 1_024, 'x');
  await Promise.all(Array.from({ length: 5 }, (_, i) => log.append(DEFAULT_TENANT, i, large)));
});

test('a small record overtakes large ones of other queue keys in its partition, not those of its own', async () => {
  await using one = await startTestBus(nats.uri);
  const { log } = one.bus;
  await until(() => one.bus.ready().ready, 'ready');
  const large = Buffer.alloc(512 * 1_024, 'x');
  const order: string[] = [];
  const append = async (name: string, record: Uint8Array, queueKey: string) => {
    await log.append(DEFAULT_TENANT, 7, record, { queueKey });
    order.push(name);
  };
  const appends = Array.from({ length: 4 }, (_, i) => append(`large${i}`, large, 'a_b'));
  appends.push(append('behind', Buffer.from('behind'), 'a_b'), append('other', Buffer.from('other'), 'c_d'));
  await Promise.all(appends);
  assert.ok(order.indexOf('other') < order.indexOf('large2'), order.join());
  assert.equal(order.at(-1), 'behind');
});

test('what a follower has taken stays taken, also when its process ends at once', async () => {
  await using one = await startTestBus(nats.uri);
  const { bus } = one;
  await until(() => bus.ready().ready, 'ready');
  const end = new AbortController();
  let taken = 0;
  const following = bus.log.follow('taker', {
    tenants: () => [DEFAULT_TENANT],
    room: () => 100,
    onEntry(entry) {
      entry.done();
      taken++;
    },
    signal: end.signal,
  });
  const connection = await connect({ servers: nats.uri });
  const waiting = async () => {
    const answer = await connection.request(`$JS.API.CONSUMER.INFO.${STREAM.log}.taker`);
    return answer.json<{ num_ack_pending?: number }>().num_ack_pending;
  };
  await until(async () => (await waiting()) === 0, 'the follower');
  await Promise.all(
    Array.from({ length: 20 }, (_, i) => bus.log.append(DEFAULT_TENANT, i, Buffer.from('x'))),
  );
  await until(() => taken === 20, 'all taken');
  end.abort();
  await bus.stop(AbortSignal.timeout(2_000));
  assert.equal(await waiting(), 0);
  await connection.close();
  await following;
});
