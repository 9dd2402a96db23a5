import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { type StartedBackends, startBackends } from '../src/index.ts';
import { removeDir, temporaryDir } from './temporary-dir.ts';

/** What copies, presence and limits rely on, tested on the server with the client alone. */

let dir = '';
let backends: StartedBackends<'redis'>;
let redis: Redis;
const prefix = `contract:${process.pid}:`;

before(async () => {
  dir = await temporaryDir();
  backends = await startBackends({ dir, only: ['redis'] });
  redis = new Redis(backends.redis.uri, { keyPrefix: prefix });
  redis.on('error', () => undefined);
});

after(async () => {
  redis?.disconnect();
  await backends?.stop();
  await removeDir(dir);
});

test('strings with expiry, and a set only if absent', async () => {
  assert.equal(await redis.set('once', 'a', 'PX', 60_000, 'NX'), 'OK');
  assert.equal(await redis.set('once', 'b', 'PX', 60_000, 'NX'), null);
  assert.equal(await redis.get('once'), 'a');
  await redis.set('short', 'x', 'PX', 30);
  await sleep(80);
  assert.equal(await redis.get('short'), null);
});

test('hashes, sets and sorted sets in one pipeline', async () => {
  const results = await redis
    .pipeline()
    .hset('h', { a: '1', b: '2' })
    .hgetall('h')
    .sadd('s', 'x', 'y')
    .scard('s')
    .zadd('z', 2, 'two', 1, 'one')
    .zrangebyscore('z', 1, 1)
    .exec();
  assert.deepEqual(
    results?.map(([error, value]) => error ?? value),
    [2, { a: '1', b: '2' }, 2, 2, 2, ['one']],
  );
});

test('a script is atomic and a missing one is loaded', async () => {
  const script =
    "local n = redis.call('INCRBY', KEYS[1], ARGV[1]) redis.call('PEXPIRE', KEYS[1], 60000) return n";
  const sums = await Promise.all(Array.from({ length: 50 }, () => redis.eval(script, 1, 'sum', '2')));
  assert.deepEqual(
    sums.map(Number).sort((a, b) => a - b),
    Array.from({ length: 50 }, (_, i) => 2 * (i + 1)),
  );
});

test('publish reaches a subscriber', async () => {
  const subscriber = redis.duplicate();
  try {
    await subscriber.subscribe('channel');
    const heard = once(subscriber, 'message');
    await redis.publish('channel', 'text');
    assert.equal((await heard)[1], 'text');
  } finally {
    subscriber.disconnect();
  }
});

test('after kill -9 and restart the same client continues, and data kept only in memory is gone', {
  skip: process.env.REDIS_URL ? 'external' : false,
}, async () => {
  await redis.set('kept', 'x');
  await backends.redis.kill('SIGKILL');
  await backends.redis.restart();
  assert.equal(await redis.get('kept'), null);
});
