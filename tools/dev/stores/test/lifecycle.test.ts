import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { readdir, readFile, readlink, symlink } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  BACKEND_NAMES,
  LockHeldError,
  NotManagedError,
  reservePorts,
  startBackends,
  startMongo,
  startNats,
  startRedis,
  startS3,
  withBackends,
} from '../src/index.ts';
import { removeDir, temporaryDir } from './temporary-dir.ts';

const VARIABLES = [
  'NATS_URL',
  'REDIS_URL',
  'MONGO_URI',
  'S3_ENDPOINT',
  'S3_ACCESS_KEY',
  'S3_SECRET_KEY',
  'S3_REGION',
];
const given = Object.fromEntries(VARIABLES.map((name) => [name, process.env[name]]));
let dir = '';

beforeEach(async () => {
  for (const name of VARIABLES) delete process.env[name];
  dir = await temporaryDir();
});

afterEach(async () => {
  for (const [name, value] of Object.entries(given)) if (value !== undefined) process.env[name] = value;
  await removeDir(dir);
});

/** Whether a process runs; one that has ended and waits for its parent does not. */
function isAlive(pid: number | undefined): boolean {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!condition()) {
    assert.ok(Date.now() < deadline, what);
    await sleep(20);
  }
}

describe('one server', () => {
  test('keeps its port and gets a new process by kill and restart', async () => {
    await using nats = await startNats({ dir });
    const { pid, port } = nats;
    assert.ok(isAlive(pid));
    await nats.kill();
    assert.equal(isAlive(pid), false);
    assert.equal(nats.pid, undefined);
    await assert.rejects(nats.kill(), /cannot send SIGKILL: the nats server does not run/);
    await nats.restart();
    assert.equal(nats.port, port);
    assert.notEqual(nats.pid, pid);
    assert.ok(isAlive(nats.pid));
  });

  test('can be stopped and stopped again, even while it is suspended', async () => {
    const redis = await startRedis({ dir });
    const { pid } = redis;
    await redis.kill('SIGSTOP');
    assert.ok(isAlive(pid));
    await redis.stop();
    assert.equal(isAlive(pid), false);
    await redis.stop();
  });

  test('takes a fixed port, and names it when it is taken', async () => {
    const free = await reservePorts(1);
    const [port = 0] = free.ports;
    await free.release();
    await using redis = await startRedis({ dir: join(dir, 'a'), port });
    assert.equal(redis.uri, `redis://127.0.0.1:${port}`);
    await assert.rejects(startNats({ dir: join(dir, 'b'), port }), new RegExp(`port ${port}`));
  });

  test('has its folder for itself', async () => {
    await using first = await startRedis({ dir });
    assert.ok(first.managed);
    await assert.rejects(startRedis({ dir }), (error: Error) => {
      assert.ok(error instanceof LockHeldError);
      assert.equal(error.holder, process.pid);
      assert.match(error.message, new RegExp(`${dir}.* in use by process ${process.pid}`));
      return true;
    });
  });

  test('that cannot start says why, with the end of its log, at once', async () => {
    const started = performance.now();
    await assert.rejects(startNats({ dir, extraConfig: 'no_such_option: 1\nport: "x"' }), (error: Error) => {
      assert.match(error.message, /^the nats server ended with 1 before it was ready/);
      assert.match(error.message, /end of .*nats\.log ---\n.*nats\.conf/s);
      return true;
    });
    assert.ok(performance.now() - started < 40_000);
    await using again = await startNats({ dir });
    assert.ok(again.pid);
  });

  test('that is not ready in time is ended, and the time is named', async () => {
    await assert.rejects(startNats({ dir, readyWithin: 1 }), /was not ready within 1 ms/);
    await using again = await startNats({ dir });
    assert.ok(again.pid);
  });

  test('that ends unasked is reported once, one that is killed or stopped is not', async () => {
    const reported: string[] = [];
    await using redis = await startRedis({ dir, onUnexpectedExit: (error) => reported.push(error.message) });
    await redis.kill();
    await redis.restart();
    process.kill(redis.pid ?? 0, 'SIGKILL');
    await until(() => reported.length > 0, 'the end is reported');
    assert.match(reported.join(), /^the redis server ended with SIGKILL; see .*redis\.log$/);
    await redis.restart();
    await redis.stop();
    assert.equal(reported.length, 1);
  });
});

test('all servers listen on 127.0.0.1 only, start side by side and stop', async () => {
  const backends = await startBackends({ dir });
  const pids = BACKEND_NAMES.map((name) => backends[name].pid ?? 0);
  try {
    for (const name of BACKEND_NAMES) {
      const addresses = await listeningAddresses(backends[name].pid ?? 0);
      assert.ok(addresses.length > 0, `${name} listens`);
      assert.deepEqual(
        addresses.filter((address) => address !== '127.0.0.1'),
        [],
        name,
      );
    }
    assert.deepEqual(Object.keys(backends.environment()).sort(), [...VARIABLES].sort());
  } finally {
    await backends.stop();
  }
  assert.deepEqual(pids.filter(isAlive), []);
});

test('when one of several cannot start, none is left', async () => {
  const bad = startBackends({ dir, only: ['nats', 'redis'], nats: { extraConfig: 'port: "x"' } });
  await assert.rejects(bad, /the nats server ended/);
  await using redis = await startRedis({ dir: join(dir, 'redis') });
  assert.ok(redis.pid);
});

test('withBackends leaves neither process nor folder, even when its work fails', async () => {
  let pid: number | undefined;
  let log = '';
  const work = withBackends(['redis'], async ({ redis }) => {
    pid = redis.pid;
    log = redis.logFile ?? '';
    throw new Error('the work failed');
  });
  await assert.rejects(work, /the work failed/);
  assert.equal(isAlive(pid), false);
  await assert.rejects(readFile(log), { code: 'ENOENT' });
});

describe('a parent that is killed', () => {
  /** Starts a Redis in another process and kills that one with SIGKILL; returns the server's pid. */
  async function orphan(path: string): Promise<number> {
    const code = `import { startRedis } from ${JSON.stringify(join(import.meta.dirname, '../src/index.ts'))};
      const redis = await startRedis({ dir: ${JSON.stringify(dir)} });
      console.log(redis.pid); setInterval(() => {}, 1000);`;
    const parent = spawn(process.execPath, ['--input-type=module', '--eval', code], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, PATH: path },
    });
    const [pid] = await once(parent.stdout, 'data');
    parent.kill('SIGKILL');
    await once(parent, 'exit');
    return Number(pid);
  }

  test('takes its servers with it', async () => {
    const pid = await orphan(process.env.PATH ?? '');
    await until(() => !isAlive(pid), 'the server ends');
  });

  test('without setpriv leaves a server, which the next start on the folder ends', async () => {
    const bin = await temporaryDir();
    try {
      const redis = process.env.PATH?.split(':').map((path) => join(path, 'redis-server')) ?? [];
      for (const path of redis) await symlink(path, join(bin, 'redis-server')).catch(() => undefined);
      const pid = await orphan(bin);
      assert.ok(isAlive(pid));
      await using next = await startRedis({ dir });
      assert.equal(isAlive(pid), false);
      assert.ok(isAlive(next.pid));
    } finally {
      await removeDir(bin);
    }
  });
});

describe('an external server', () => {
  test('is used as it is: never started, killed, restarted or stopped', async () => {
    await using own = await startNats({ dir });
    process.env.NATS_URL = own.uri;
    process.env.REDIS_URL = 'redis://elsewhere:6379/3';
    process.env.MONGO_URI = 'mongodb://a,b,c/?replicaSet=rs';
    const backends = await startBackends({ dir: join(dir, 'x'), only: ['nats', 'redis', 'mongo'] });
    assert.deepEqual(backends.environment(), {
      NATS_URL: own.uri,
      REDIS_URL: 'redis://elsewhere:6379/3',
      MONGO_URI: 'mongodb://a,b,c/?replicaSet=rs',
    });
    for (const backend of [backends.nats, backends.redis, backends.mongo]) {
      assert.equal(backend.managed, false);
      assert.equal(backend.pid, undefined);
      await assert.rejects(backend.kill(), NotManagedError);
      await assert.rejects(backend.restart(), /cannot restart the \w+ server: it is external \(\w+\)/);
      assert.throws(() => backend.port, NotManagedError);
    }
    await backends.stop();
    assert.ok(isAlive(own.pid));
  });

  test('given by the caller comes before the environment', async () => {
    process.env.MONGO_URI = 'mongodb://environment/';
    assert.equal((await startMongo({ dir, uri: 'mongodb://caller/' })).uri, 'mongodb://caller/');
  });

  test('for S3 needs credentials', async () => {
    process.env.S3_ENDPOINT = 'http://127.0.0.1:9000';
    await assert.rejects(startS3({ dir }), /S3_ACCESS_KEY and S3_SECRET_KEY/);
    process.env.S3_ACCESS_KEY = 'a';
    process.env.S3_SECRET_KEY = 's';
    const { endpoint, accessKey, secretKey, region } = await startS3({ dir });
    assert.deepEqual(
      [endpoint, accessKey, secretKey, region],
      ['http://127.0.0.1:9000', 'a', 's', 'us-east-1'],
    );
  });

  test('for NATS is refused when it is too old or missing', async () => {
    const old = createServer((socket) => socket.end('INFO {"version":"2.9.10","jetstream":true}\r\n'));
    old.listen(0, '127.0.0.1');
    await once(old, 'listening');
    const { port } = old.address() as { port: number };
    await assert.rejects(
      startNats({ dir, uri: `nats://127.0.0.1:${port}` }),
      /is 2\.9\.10; 2\.12\.0 or newer/,
    );
    old.close();
    await once(old, 'close');
    await assert.rejects(
      startNats({ dir, uri: `nats://127.0.0.1:${port}` }),
      /no NATS server at 127\.0\.0\.1:/,
    );
  });
});

/** Local addresses of the TCP sockets on which a process listens, from /proc. */
async function listeningAddresses(pid: number): Promise<string[]> {
  const inodes = new Set<string>();
  for (const fd of await readdir(`/proc/${pid}/fd`)) {
    const link = await readlink(`/proc/${pid}/fd/${fd}`).catch(() => '');
    const inode = /^socket:\[(\d+)\]$/.exec(link)?.[1];
    if (inode !== undefined) inodes.add(inode);
  }
  const addresses: string[] = [];
  for (const table of ['tcp', 'tcp6']) {
    for (const line of (await readFile(`/proc/${pid}/net/${table}`, 'utf8')).split('\n').slice(1)) {
      const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/);
      if (state !== '0A' || !inodes.has(inode)) continue;
      const hex = local.split(':')[0] ?? '';
      addresses.push(hex.length === 8 ? [...Buffer.from(hex, 'hex')].reverse().join('.') : hex);
    }
  }
  return addresses;
}
