import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createBlob } from '@im/blob';
import { DEFAULT_TENANT, parseConfig } from '@im/contract';
import { eventually } from '@im/dev-kubernetes';
import { findOnPath, reservePorts, startMongo, startNats, startRedis, startS3 } from '@im/dev-stores';
import { runServer } from '@im/main';
import { createMetrics, createTaskRunner, silentLogger } from '@im/process';
import { createRedisClient } from '@im/store';
import type { Finding } from '../src/doctor/finding.ts';
import { EXIT } from '../src/exit-codes.ts';
import { startFakeKubernetes } from './fake-kubernetes.ts';
import { run } from './openimctl.ts';
import { startShiftedProxy, withShiftedClock } from './shifted-clock.ts';

const STORES = ['mongodb', 'nats', 'redis', 's3'] as const;
type StoreName = (typeof STORES)[number];
/** Stores that fail to write at once; a database uses up first what it had reserved, and MongoDB tells how full its disk is. */
const FAILING = ['nats', 'redis', 's3'] as const;
/** Object storage looks at its disk once a minute. */
const NOTICED_MS = 300_000;
const AHEAD_S = 600;
/** Bytes of one write. */
const PART = 1_000_000;
const ENTRY = new URL('../../services/main/src/entry.ts', import.meta.url).pathname;

const dir = mkdtempSync(join(tmpdir(), 'im-doctor-faults-'));
after(() => rmSync(dir, { recursive: true, force: true }));

/** The four stores, each in a folder of its own, with what the service makes in them. */
async function startStores(folders: Readonly<Record<StoreName, string>>, shiftS = 0) {
  const clock = <T>(start: () => Promise<T>) =>
    shiftS === 0 ? start() : withShiftedClock(dir, shiftS, start);
  const mongo = await clock(() => startMongo({ dir: folders.mongodb }));
  const redis = await clock(() => startRedis({ dir: folders.redis, persist: true }));
  const [nats, s3] = await Promise.all([startNats({ dir: folders.nats }), startS3({ dir: folders.s3 })]);
  const secrets = { tokenSecret: 'x'.repeat(40), adminSecret: 'y'.repeat(40) };
  const config = {
    log: { level: 'fatal' },
    listen: { host: '127.0.0.1' },
    ops: { port: 0 },
    api: { port: 0 },
    gateway: { port: 0 },
    mongo: { uri: mongo.uri, database: 'doctor' },
    redis: { uri: redis.uri },
    nats: { servers: [nats.uri], logMaxBytes: 4_194_304, seqMaxBytes: 4_194_304 },
    s3: {
      ...{ endpoint: s3.endpoint, externalEndpoint: s3.endpoint, region: s3.region },
      ...{ accessKey: s3.accessKey, secretKey: s3.secretKey },
    },
    tenants: [{ id: 'default', ...secrets }],
  };
  const started = [mongo, redis, nats, s3];
  return {
    config,
    ports: { nats: nats.port, s3: s3.port },
    async [Symbol.asyncDispose]() {
      // Some have died of what was done to them.
      for (const store of started) await store.kill().catch(() => {});
    },
  };
}

async function doctor(config: object): Promise<{ code: number | null; findings: readonly Finding[] }> {
  const file = join(dir, 'config.json');
  writeFileSync(file, JSON.stringify(config));
  const { code, stdout, stderr } = await run(['doctor', '--config', file, '-o', 'json'], { cwd: dir });
  assert.ok(code === EXIT.ok || code === EXIT.unhealthy, stderr);
  return { code, findings: JSON.parse(stdout).findings };
}

const ofStore = (findings: readonly Finding[], store: StoreName) =>
  findings.filter(({ check, subject }) => check.startsWith(`${store}.`) || subject.startsWith(`${store} at`));

describe('stores on full disks', () => {
  /** So that each has room to start, and little more. */
  const SIZES: Readonly<Record<StoreName, string>> = {
    mongodb: '200m',
    nats: '32m',
    redis: '8m',
    s3: '128m',
  };
  const mounts: string[] = [];
  after(() => {
    for (const mount of mounts) spawnSync('umount', ['-l', mount]);
  });

  /** @returns undefined where no file system may be mounted. */
  function small(store: StoreName): string | undefined {
    const mount = join(dir, store);
    mkdirSync(mount);
    const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${SIZES[store]}`, 'tmpfs', mount]);
    if (status !== 0) return undefined;
    mounts.push(mount);
    return mount;
  }

  /** Leaves not a byte. */
  function fill(mount: string): void {
    for (const bytes of [1_048_576, 4_096, 1]) {
      try {
        for (let i = 0; ; i++) writeFileSync(join(mount, `fill-${bytes}-${i}`), Buffer.alloc(bytes));
      } catch (error) {
        assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC');
      }
    }
  }

  test('each store that fails to write on a full disk is named, although it says nothing of it', {
    skip: process.env.FULL === '1' ? false : 'needs FULL=1',
    timeout: 2 * NOTICED_MS,
  }, async (t) => {
    const folders = Object.fromEntries(STORES.map((store) => [store, small(store)]));
    if (STORES.some((store) => folders[store] === undefined)) {
      t.skip('needs the right to mount a file system');
      return;
    }
    const mounted = folders as Record<StoreName, string>;
    const places = Object.fromEntries(STORES.map((store) => [store, join(mounted[store], 'data')]));
    await using stores = await startStores(places as Record<StoreName, string>);
    {
      await using server = await runServer(parseConfig(stores.config), {
        roles: ['all'],
        log: silentLogger(),
      });
      await server.untilReady(AbortSignal.timeout(NOTICED_MS));
    }
    const parts = { log: silentLogger(), metrics: createMetrics() };
    const blob = createBlob(parseConfig(stores.config).s3, { ...parts, tasks: createTaskRunner(parts) });
    await blob.put(DEFAULT_TENANT, 'makes the bucket', Buffer.from('x'), 'text/plain');
    const before = await doctor(stores.config);
    for (const store of STORES) {
      const written = before.findings.find(({ check }) => check === `${store}.writable`);
      assert.equal(written?.severity, 'ok', JSON.stringify(written));
    }
    for (const store of STORES) fill(mounted[store]);
    const client = createRedisClient(parseConfig(stores.config).redis, silentLogger());
    await client.connect();
    // Its first write fails, and it refuses all others.
    await client.set('a', 'x'.repeat(PART)).catch(() => {});
    client.disconnect();
    const found = new Map<StoreName, readonly Finding[]>();
    for (
      const end = Date.now() + NOTICED_MS;
      found.size < FAILING.length && Date.now() < end;
      await sleep(1_000)
    ) {
      const { findings } = await doctor(stores.config);
      for (const store of FAILING) {
        const critical = ofStore(findings, store).filter(({ severity }) => severity === 'critical');
        if (critical.length > 0 && !found.has(store)) found.set(store, critical);
      }
    }
    assert.deepEqual([...found.keys()].sort(), [...FAILING]);
    for (const store of ['nats', 's3'] as const)
      assert.ok(
        found.get(store)?.some(({ message }) => /^it does not take a write: /.test(message)),
        store,
      );
    const ofRedis = found.get('redis') ?? [];
    assert.match(
      ofRedis.find(({ check }) => check === 'redis.disk')?.message ?? '',
      /aof_last_write_status is err/,
    );
    assert.match(ofRedis.find(({ check }) => check === 'redis.writable')?.message ?? '', /MISCONF/);
    for (const { remedy } of [...found.values()].flat()) assert.notEqual(remedy, '');
  });
});

test('a store whose clock is ahead is named, and so are all four', { timeout: 2 * NOTICED_MS }, async (t) => {
  if ((await findOnPath('cc')) === undefined) {
    t.skip('needs a C compiler');
    return;
  }
  const folders = Object.fromEntries(STORES.map((store) => [store, join(dir, `clock-${store}`)]));
  await using stores = await startStores(folders as Record<StoreName, string>, AHEAD_S);
  {
    await using server = await runServer(parseConfig(stores.config), { roles: ['all'], log: silentLogger() });
    await server.untilReady(AbortSignal.timeout(NOTICED_MS));
  }
  await using nats = await startShiftedProxy(stores.ports.nats, AHEAD_S);
  await using s3 = await startShiftedProxy(stores.ports.s3, AHEAD_S);
  const { config } = stores;
  const { findings, code } = await doctor({
    ...config,
    nats: { ...config.nats, servers: [`nats://127.0.0.1:${nats.port}`] },
    s3: { ...config.s3, endpoint: `http://127.0.0.1:${s3.port}` },
  });
  assert.equal(code, EXIT.unhealthy);
  for (const store of STORES) {
    const skew = ofStore(findings, store).find(({ check }) => check === 'clock.skew');
    assert.equal(skew?.severity, 'critical', JSON.stringify(ofStore(findings, store)));
    assert.match(skew.message, /^its clock is (5\d\d|60\d)(\.\d)? s ahead of/);
    assert.match(skew.remedy, /timedatectl/);
  }
});

test('a process with a small limit of open files is named, by its ops port and as a pod of a cluster', {
  timeout: 2 * NOTICED_MS,
}, async () => {
  const stores = { mongo: { uri: 'mongodb://127.0.0.1:1' }, redis: { uri: 'redis://127.0.0.1:1' } };
  const config = {
    ...{ ...stores, log: { level: 'fatal' }, listen: { host: '127.0.0.1' } },
    ...{ nats: { servers: ['nats://127.0.0.1:1'] }, gateway: { port: 0 } },
    tenants: [{ id: 'default', tokenSecret: 'x'.repeat(40), adminSecret: 'y'.repeat(40) }],
  };
  await using reserved = await reservePorts(1);
  const [port = 0] = reserved.ports;
  const file = join(dir, 'small-limit.json');
  writeFileSync(file, JSON.stringify({ ...config, ops: { port } }));
  const child = spawn('bash', [
    ...['-c', 'ulimit -n 1024; exec "$@"', '-', process.execPath],
    ...[ENTRY, 'serve', 'gateway', '--config', file],
  ]);
  const ended = once(child, 'exit');
  try {
    const ops = `http://127.0.0.1:${port}`;
    await eventually(async () => assert.ok((await fetch(`${ops}/healthz`)).ok), NOTICED_MS);
    const examined = async (args: readonly string[], env = {}) => {
      const { stdout, stderr } = await run(['doctor', ...args, '-o', 'json'], { cwd: dir, env });
      assert.notEqual(stdout, '', stderr);
      return JSON.parse(stdout).findings as Finding[];
    };
    const limitOf = (findings: readonly Finding[]) =>
      findings.find(
        ({ check, subject }) => check === 'process.descriptors' && subject.startsWith('gateway at'),
      );
    const found = limitOf(await examined(['--ops', ops]));
    assert.equal(found?.severity, 'critical');
    assert.match(found.message, /^may open 1024 files, and has \d+ open$/);
    assert.match(found.remedy, /ulimit -n 1048576/);

    await using kubernetes = await startFakeKubernetes({ 10300: port });
    const metadata = { name: 'chat', namespace: 'im', generation: 1 };
    kubernetes.put('openimclusters', { metadata, spec: {}, status: { conditions: [] } });
    const labels = { 'app.kubernetes.io/name': 'openim', 'app.kubernetes.io/instance': 'chat' };
    const ports = [{ name: 'ops', containerPort: 10_300 }];
    for (const [name, containers] of Object.entries({ 'chat-gateway-1': [{ ports }], 'chat-redis-0': [{}] }))
      kubernetes.put('pods', { metadata: { name, namespace: 'im', labels }, spec: { containers } });
    const spec = { containers: [{ ports: [{ name: 'ops', containerPort: 1 }] }] };
    const begins = { metadata: { name: 'chat-begins', namespace: 'im', labels }, spec };
    kubernetes.put('pods', { ...begins, status: { phase: 'Pending' } });
    const deletionTimestamp = new Date().toISOString();
    kubernetes.put('pods', { metadata: { ...begins.metadata, name: 'chat-ends', deletionTimestamp }, spec });
    const ofCluster = await examined(['--cluster', 'im/chat'], { KUBECONFIG: kubernetes.kubeconfig });
    const asPod = limitOf(ofCluster);
    assert.deepEqual(
      ofCluster.filter(({ subject }) => /chat-(begins|ends)/.test(subject)),
      [],
      'pods that begin or end are no fault',
    );
    assert.equal(asPod?.subject, 'gateway at chat-gateway-1');
    assert.match(asPod.message, /^may open 1024 files, and has \d+ open$/);
  } finally {
    child.kill('SIGKILL');
    await ended;
  }
});
