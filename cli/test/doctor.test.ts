import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { parseConfig } from '@im/contract';
import {
  CertificateAuthority,
  startMongo,
  startNats,
  startRedis,
  startS3,
  startTlsProxy,
} from '@im/dev-stores';
import { silentLogger } from '@im/process';
import { createRedisClient } from '@im/store';
import type { Finding } from '../src/doctor/finding.ts';
import { EXIT } from '../src/exit-codes.ts';
import { type Dev, run, startDev } from './openimctl.ts';

const dir = mkdtempSync(join(tmpdir(), 'im-doctor-'));
const data = join(dir, 'data');
const SECRET = 'a long secret of the administrators';

interface Examined {
  readonly findings: readonly Finding[];
  readonly counts: Readonly<Record<string, number>>;
}

/** A store that is stopped at the end of a test. */
function disposable<S extends { stop(): Promise<unknown> }>(store: S): S & AsyncDisposable {
  return Object.assign(store, {
    async [Symbol.asyncDispose]() {
      await store.stop();
    },
  });
}

/** What `doctor` finds, whatever its exit code is. */
async function examined(...args: string[]): Promise<Examined & { code: number | null }> {
  const { code, stdout, stderr } = await run(['doctor', '-o', 'json', ...args], { cwd: dir });
  assert.ok(code === EXIT.ok || code === EXIT.unhealthy, stderr);
  return { ...(JSON.parse(stdout) as Examined), code };
}

function finding({ findings }: Examined, check: string, subject = /./): Finding {
  const found = findings.find((each) => each.check === check && subject.test(each.subject));
  assert.ok(found, `${check} is not among ${JSON.stringify(findings, null, 1)}`);
  return found;
}

function assertCritical(found: Finding, message: RegExp): void {
  assert.equal(found.severity, 'critical', JSON.stringify(found));
  assert.match(found.message, message);
  assert.notEqual(found.meaning, '');
  assert.notEqual(found.remedy, '');
}

describe('doctor, check and report', () => {
  let dev: Dev;
  let stores: Record<string, unknown>;
  before(async () => {
    writeFileSync(join(dir, 'secret'), SECRET);
    dev = await startDev(data, '--admin-secret-file', join(dir, 'secret'));
    stores = JSON.parse(readFileSync(join(data, 'state.json'), 'utf8')).stores;
  });
  after(async () => {
    await dev.end('SIGTERM');
    rmSync(dir, { recursive: true, force: true });
  });

  /** A config of the dev's stores with some settings changed, by dotted path. */
  function configFile(name: string, changes: Record<string, unknown> = {}): string {
    const tenants = [
      { id: 'default', adminSecret: 'openIM123', tokenSecret: 'x'.repeat(40), adminUserIDs: ['imAdmin'] },
    ];
    const config: Record<string, Record<string, unknown>> = {};
    for (const [path, value] of Object.entries({ ...stores, ...changes })) {
      const [section = '', field = ''] = path.split('.');
      config[section] = { ...config[section], [field]: value };
    }
    const file = join(dir, name);
    writeFileSync(file, JSON.stringify({ ...config, tenants }));
    return file;
  }

  test('a running dev is examined with all four stores, its process, its machine and its API', async () => {
    const result = await examined('--data-dir', data);
    for (const check of ['mongodb.reachable', 'nats.reachable', 'redis.reachable', 's3.reachable'])
      assert.equal(finding(result, check).severity, 'ok', check);
    for (const check of ['mongodb.version', 'nats.version', 'redis.version', 'process.ready', 'version.skew'])
      assert.equal(finding(result, check).severity, 'ok', check);
    assert.equal(finding(result, 'api.credentials').severity, 'ok');
    assert.equal(finding(result, 'secret.default').severity, 'ok');
    assert.match(
      finding(result, 'process.descriptors', /^all at/).message,
      /may open \d+ files, and has \d+ open/,
    );
    assert.equal(finding(result, 'nats.durability').severity, 'warning');
    assert.ok(result.findings.filter(({ check }) => check === 'clock.skew').length >= 4);
    finding(result, 'host.memory');
    finding(result, 'host.disk');
    // Texts for people have the same findings, with remedies.
    const { stdout } = await run(['doctor', '--data-dir', data, '--all'], { cwd: dir });
    assert.match(stdout, /^OK +mongodb\.reachable: mongodb at 127/m);
    assert.match(stdout, /^WARNING +nats\.durability: .*\n {9}Acknowledged messages.*\n {9}For production/m);
    assert.match(stdout, /\d+ critical, \d+ warnings, 0 not examined, \d+ ok\n$/);
  });

  test('a stopped store, and one that refuses the keys', async () => {
    const redis = await startRedis({ dir: join(dir, 'redis') });
    const file = configFile('stopped.yaml', { 'redis.uri': redis.uri });
    assert.equal(finding(await examined('--config', file), 'redis.reachable').severity, 'ok');
    await redis.stop();
    const stopped = await examined('--config', file);
    assert.equal(stopped.code, EXIT.unhealthy);
    assertCritical(finding(stopped, 'redis.reachable'), /no answer/);

    const refused = await examined('--config', configFile('refused.yaml', { 's3.secretKey': 'not the key' }));
    assertCritical(finding(refused, 's3.credentials'), /credentials are refused/);
    assert.doesNotMatch(JSON.stringify(refused), /not the key/);
  });

  test('every store that is stopped is named, with what fails without it', async () => {
    const started = await Promise.all([
      startNats({ dir: join(dir, 'stopped-nats') }),
      startMongo({ dir: join(dir, 'stopped-mongo') }),
      startS3({ dir: join(dir, 'stopped-s3') }),
    ]);
    const [nats, mongo, s3] = started;
    await Promise.all(started.map((store) => store.stop()));
    const places = { 'nats.servers': [nats.uri], 'mongo.uri': mongo.uri, 's3.endpoint': s3.endpoint };
    const result = await examined('--config', configFile('all-stopped.yaml', places));
    assert.equal(result.code, EXIT.unhealthy);
    for (const store of ['nats', 'mongodb', 's3'])
      assertCritical(finding(result, `${store}.reachable`), /no answer/);
    assert.equal(finding(result, 'redis.reachable').severity, 'ok');
  });

  test('every store that refuses a password is told from one that is down, and no password is quoted', async () => {
    const users = 'authorization { users: [{ user: im, password: right }] }\nno_auth_user: im';
    await using nats = disposable(await startNats({ dir: join(dir, 'locked-nats'), extraConfig: users }));
    const auth = { user: 'im', password: 'right' };
    await using mongo = disposable(await startMongo({ dir: join(dir, 'locked-mongo'), auth }));
    await using redis = disposable(await startRedis({ dir: join(dir, 'locked-redis') }));
    const client = createRedisClient(
      { ...parseConfig({ tenants: [] }).redis, uri: redis.uri },
      silentLogger(),
    );
    await client.connect();
    await client.config('SET', 'requirepass', 'right');
    client.disconnect();
    const withPassword = (uri: string, password: string) =>
      uri.replace(/:\/\/(?:[^@/]*@)?/, `://im:${password}@`);
    const locked = (password: string) => ({
      ...{ 'nats.servers': [nats.uri], 'nats.user': 'im', 'nats.password': password },
      'mongo.uri': withPassword(mongo.uri, password),
      'redis.uri': redis.uri.replace('://', `://:${password}@`),
    });
    const open = await examined('--config', configFile('open.yaml', locked('right')));
    const shut = await examined('--config', configFile('shut.yaml', locked('a-wrong-one')));
    for (const store of ['nats', 'mongodb', 'redis']) {
      assert.equal(finding(open, `${store}.reachable`).severity, 'ok', store);
      assertCritical(finding(shut, `${store}.credentials`), /credentials are refused/);
    }
    assert.doesNotMatch(JSON.stringify(shut), /a-wrong-one/);
  });

  test('a store that is nearly full', async () => {
    await using redis = disposable(await startRedis({ dir: join(dir, 'full-redis') }));
    const client = createRedisClient(
      { ...parseConfig({ tenants: [] }).redis, uri: redis.uri },
      silentLogger(),
    );
    await client.connect();
    const used = Number(/^used_memory:(\d+)/m.exec(await client.info('memory'))?.[1]);
    await client.config('SET', 'maxmemory', String(used));
    client.disconnect();
    const result = await examined('--config', configFile('full-redis.yaml', { 'redis.uri': redis.uri }));
    assertCritical(finding(result, 'redis.memory'), /% of .* used/);
  });

  test('a wrong admin secret, and one that everybody knows', async () => {
    writeFileSync(join(dir, 'wrong'), 'another long secret');
    const wrong = await examined('--api', dev.ready.api, '--admin-secret-file', join(dir, 'wrong'));
    assertCritical(finding(wrong, 'api.credentials'), /refused for imAdmin/);
    const known = await examined('--config', configFile('known.yaml'));
    assertCritical(finding(known, 'secret.default', /adminSecret/), /well-known default/);
    assert.equal(finding(known, 'secret.default', /tokenSecret/).severity, 'warning');
    assert.doesNotMatch(JSON.stringify(known), /openIM123/);
  });

  test('a certificate that has expired, or is about to', async () => {
    const authority = CertificateAuthority.create('test');
    const issue = (validForMs: number) =>
      authority.issue({ commonName: 'api', usage: 'server', hosts: ['127.0.0.1'], validForMs });
    const day = 86_400_000;
    await using proxy = await startTlsProxy(Number(new URL(dev.ready.api).port), { pair: issue(-2.5 * day) });
    const api = `https://127.0.0.1:${proxy.port}`;
    assertCritical(finding(await examined('--api', api), 'certificate.validity'), /^expired 2 days ago/);
    proxy.use({ pair: issue(10.5 * day) });
    const soon = finding(await examined('--api', api), 'certificate.validity');
    assert.equal(soon.severity, 'warning');
    assert.match(soon.message, /^expires in 10 days/);
    // One of a file of the config, too.
    writeFileSync(join(dir, 'ca.pem'), issue(-1.5 * day).certificate);
    const file = configFile('certificate.json', { 'mongo.tls': { caFile: join(dir, 'ca.pem') } });
    assertCritical(
      finding(await examined('--config', file), 'certificate.validity', /mongo\.tls\.caFile/),
      /^expired 1 days/,
    );
  });

  test('a clock that is ahead', async () => {
    await using proxy = await startClockProxy(dev.ready.api, 10 * 60_000);
    const result = await examined('--api', proxy.url, '--admin-secret-file', join(dir, 'secret'));
    assertCritical(finding(result, 'clock.skew'), /its clock is (59\d|60\d)(\.\d)? s ahead of/);
  });

  test('a disk that is full', async (t) => {
    const full = join(dir, 'full');
    mkdirSync(full);
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', full]);
    if (mounted.status !== 0) {
      t.skip('needs the right to mount a file system');
      return;
    }
    try {
      const roomy = await examined('--api', dev.ready.api, '--disk', full);
      assert.equal(finding(roomy, 'host.disk').severity, 'ok');
      writeFileSync(join(full, 'data'), Buffer.alloc(250 * 1_024));
      assertCritical(
        finding(await examined('--api', dev.ready.api, '--disk', full), 'host.disk'),
        /% of 256 KiB/,
      );
    } finally {
      spawnSync('umount', [full]);
    }
  });

  test('a small limit of open files', async () => {
    const main = new URL('../src/main.ts', import.meta.url).pathname;
    const script = `ulimit -n 512; exec '${process.execPath}' '${main}' doctor --data-dir '${data}' -o json`;
    const { stdout } = spawnSync('bash', ['-c', script], { encoding: 'utf8', cwd: dir });
    const found = finding(JSON.parse(stdout), 'process.descriptors', /this shell/);
    assertCritical(found, /may open 512 files/);
    assert.match(found.remedy, /ulimit -n/);
  });

  test('check prints one line, and exits as monitors expect', async () => {
    const secret = ['--admin-secret-file', join(dir, 'secret')];
    const check = async (code: number, line: RegExp, ...args: string[]) => {
      const outcome = await run(['check', ...args], { cwd: dir });
      assert.equal(outcome.code, code, `${outcome.stdout}${outcome.stderr}`);
      assert.match(outcome.stdout, line);
      assert.equal(outcome.stdout.split('\n').length, 2);
    };
    await check(0, /^OPENIM OK - \d checks are fine \| critical=0 /, '--api', dev.ready.api, ...secret);
    await using late = await startClockProxy(dev.ready.api, -10_000);
    await check(1, /^OPENIM WARNING - .* behind the one of this machine/, '--api', late.url, ...secret);
    await check(2, /^OPENIM CRITICAL - http:\/\/127.0.0.1:1: no answer/, '--api', 'http://127.0.0.1:1');
    await check(3, /^OPENIM UNKNOWN - .*missing\.yaml/, '--config', join(dir, 'missing.yaml'));
  });

  test('report collects it all, and none of the secrets', async () => {
    const file = join(dir, 'report.tar.gz');
    const marked = { OPENIM_ADMIN_SECRET: 'secret of the environment' };
    const { code, stdout, stderr } = await run(['report', '--data-dir', data, '--file', file, '-o', 'json'], {
      cwd: dir,
      env: marked,
    });
    assert.equal(code, EXIT.ok, stderr);
    const { files } = JSON.parse(stdout) as { files: string[] };
    const names = files.map((name) => name.replace(/127\.0\.0\.1_\d+/, 'HOST'));
    assert.deepEqual(names.sort(), [
      'config.yaml',
      'findings.json',
      'processes/HOST/metrics.txt',
      'processes/HOST/status.json',
      'versions.json',
    ]);
    const listed = spawnSync('tar', ['tzf', file], { encoding: 'utf8' });
    assert.equal(listed.status, 0, listed.stderr);
    assert.equal(listed.stdout.trim().split('\n').length, files.length);
    const content = gunzipSync(readFileSync(file)).toString('utf8');
    assert.match(content, /mongodb\.reachable/);
    assert.match(content, /process_open_fds/);
    const state = JSON.parse(readFileSync(join(data, 'state.json'), 'utf8'));
    const secrets = [SECRET, marked.OPENIM_ADMIN_SECRET, ...Object.values<string>(state.adminSecrets)];
    for (const each of [...secrets, String(stores['s3.secretKey'])]) assert.ok(!content.includes(each), each);
    const again = await run(['report', '--data-dir', data, '--file', file], { cwd: dir });
    assert.equal(again.code, EXIT.environment);
    assert.match(again.stderr, /--file: .* cannot be written: EEXIST/);
  });
});

/** A proxy in front of the API whose answers have the time of another clock. */
async function startClockProxy(
  api: string,
  aheadMs: number,
): Promise<AsyncDisposable & { readonly url: string }> {
  const server: Server = createServer(async (request, response) => {
    const { method = 'GET', headers, url } = request;
    const body = method === 'POST' ? await text(request) : undefined;
    const answer = await fetch(`${api}${url}`, {
      ...{
        method,
        headers: { 'content-type': 'application/json', operationID: String(headers.operationid ?? '1') },
      },
      ...(body !== undefined && { body }),
    });
    response.sendDate = false;
    response.writeHead(answer.status, { date: new Date(Date.now() + aheadMs).toUTCString() });
    response.end(await answer.text());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
