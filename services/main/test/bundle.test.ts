import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { ProcessStatus } from '@im/contract';
import { type ReservedPorts, reservePorts, type StartedBackends, startBackends } from '@im/dev-stores';
import { DOMAINS } from '@im/protocol';

/** Longer than a stop takes that does not drain. */
const SETTLE_MS = 1_500;
/** CPU time that a role may take from nothing to ready: on a loaded machine, the least of several starts. */
const CPU_LIMIT_MS = 2_000;
const CPU_STARTS = 3;
/** User that containers run as; only root can start a process as another user. */
const NOBODY = process.getuid?.() === 0 ? { uid: 65_532, gid: 65_532 } : {};
const ROOT = join(import.meta.dirname, '../../..');

let dir: string;
let app: string;
let backends: StartedBackends;
let config: string;
let reserved: ReservedPorts;
let peers: Started;
/** What a failed test left behind would keep this file from ending. */
const running = new Set<Started>();

/** A role that runs from the bundle. */
interface Started {
  readonly child: ChildProcess;
  readonly ops: string;
  /** User and system time so far, ms. */
  cpuMs(): Promise<number>;
  stop(): Promise<number>;
}

/** Starts a role as a container would: no packages, nothing but /tmp to write to, a user without rights. */
async function start(role: string, port: number): Promise<Started> {
  const child = spawn(
    process.execPath,
    ['--enable-source-maps', join(app, 'im.mjs'), 'serve', role, '--config', config],
    {
      ...NOBODY,
      cwd: join(dir, 'empty'),
      stdio: ['ignore', 'inherit', 'inherit'],
      env: {
        OPENIM_OPS_PORT: String(port),
        OPENIM_LISTEN_HOST: '127.0.0.1',
        NODE_DISABLE_COMPILE_CACHE: '1',
      },
    },
  );
  const exited = once(child, 'exit');
  const started: Started = {
    child,
    ops: `http://127.0.0.1:${port}`,
    async cpuMs() {
      const text = await readFile(`/proc/${child.pid}/stat`, 'utf8');
      const [user, system] = text.slice(text.lastIndexOf(')')).split(' ').slice(12, 14);
      // Clock ticks are a hundredth of a second on Linux.
      return (Number(user) + Number(system)) * 10;
    },
    async stop() {
      child.kill('SIGTERM');
      const [code, signal] = await exited;
      return code ?? signal;
    },
  };
  running.add(started);
  void exited.then(() => running.delete(started));
  return started;
}

async function untilReady({ ops, child }: Started): Promise<ProcessStatus> {
  let reason = 'no answer';
  for (const end = Date.now() + 60_000; Date.now() < end; await sleep(10)) {
    if (child.exitCode !== null) throw new Error(`ended with ${child.exitCode}`);
    const response = await fetch(`${ops}/status`).catch(() => undefined);
    if (!response) continue;
    const status = (await response.json()) as ProcessStatus;
    if (status.ready) return status;
    reason = status.reason ?? '';
  }
  throw new Error(`not ready: ${reason}`);
}

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'im-bundle-'));
  await chmod(dir, 0o755);
  await mkdir(join(dir, 'empty'), { mode: 0o555 });
  app = join(dir, 'app');
  const made = spawnSync(process.execPath, [join(ROOT, 'tools/bundle.ts'), '--out', app, 'im'], {
    encoding: 'utf8',
  });
  assert.equal(made.status, 0, made.stderr);
  backends = await startBackends({ dir: join(dir, 'stores') });
  const { nats, mongo, redis, s3 } = backends;
  reserved = await reservePorts(DOMAINS.length + 2);
  const domains = DOMAINS.map((domain, i) => {
    const port = reserved.ports[i];
    return [domain, { port, addresses: [`127.0.0.1:${port}`] }];
  });
  config = join(dir, 'im.yaml');
  await writeFile(
    config,
    JSON.stringify({
      log: { level: 'error' },
      api: { port: 0 },
      gateway: { port: 0 },
      shutdown: { settleMs: SETTLE_MS },
      nats: { servers: [nats.uri] },
      mongo: { uri: mongo.uri },
      redis: { uri: redis.uri },
      s3: { endpoint: s3.endpoint, accessKey: s3.accessKey, secretKey: s3.secretKey, region: s3.region },
      rpc: { domains: Object.fromEntries(domains) },
      push: { provider: 'log' },
      tenants: [{ id: 'default', tokenSecret: 's', adminSecret: 's' }],
    }),
  );
});
after(async () => {
  for (const { child } of running) child.kill('SIGKILL');
  await backends?.stop();
  await reserved?.release();
  await rm(dir, { recursive: true, force: true });
});

test('the thread that decodes pictures starts from the bundle alone', async () => {
  const names = (await readdir(app)).filter((name) => name.endsWith('.mjs') && name !== 'pictures.mjs');
  const texts = await Promise.all(names.map((name) => readFile(join(app, name), 'utf8')));
  assert.equal(texts.filter((text) => text.includes('"./pictures.mjs"')).length, 1, 'one file starts it');
  const workerData = { memoryMiB: 256, maxPixels: 1_000 };
  const thread = new Worker(join(app, 'pictures.mjs'), { workerData, env: {}, execArgv: [] });
  try {
    assert.deepEqual(await once(thread, 'message'), ['ready']);
    thread.postMessage({ bytes: Buffer.from('GIF89a'), format: 'gif', wish: { width: 1, height: 1 } });
    const [result] = await once(thread, 'message');
    assert.equal(result.refusal, 'broken', JSON.stringify(result));
  } finally {
    await thread.terminate();
  }
});

// Indexes are made by the first one; the others call it.
for (const role of ['rpc', 'transfer', 'api', 'gateway', 'push', 'cron', 'all']) {
  test(`${role} becomes ready from the bundle alone, for little CPU, and leaves quickly once announced`, async (t) => {
    // All services in one process need no other process.
    if (role === 'all') await peers.stop();
    const port = reserved.ports[DOMAINS.length + (role === 'rpc' ? 0 : 1)];
    assert.ok(port);
    let started = await start(role, port);
    let status = await untilReady(started);
    let cpuMs = await started.cpuMs();
    for (let starts = 1; cpuMs > CPU_LIMIT_MS && starts < CPU_STARTS; starts += 1) {
      t.diagnostic(`${role}: ${cpuMs} ms of CPU until ready: starting again`);
      await started.stop();
      started = await start(role, port);
      status = await untilReady(started);
      cpuMs = await started.cpuMs();
    }
    if (role === 'rpc') peers = started;
    else t.after(() => running.has(started) && started.stop());
    t.diagnostic(`${role}: ${cpuMs} ms of CPU until ready, ${Math.round(status.rssBytes / 1e6)} MB`);
    assert.deepEqual(status.roles, [role]);
    assert.ok(cpuMs <= CPU_LIMIT_MS, `${cpuMs} ms of CPU`);
    if (role === 'rpc') return;
    assert.equal((await fetch(`${started.ops}/prestop`)).status, 200);
    const startedAt = performance.now();
    assert.equal(await started.stop(), 0);
    const ms = performance.now() - startedAt;
    t.diagnostic(`${role}: ${Math.round(ms)} ms to drain and stop`);
    assert.ok(ms >= SETTLE_MS, `it stopped after ${ms} ms without draining`);
  });
}
