import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { type Dev, json, run, start, startDev } from './openimctl.ts';

const dir = mkdtempSync(join(tmpdir(), 'im-dev-'));
const data = join(dir, 'data');
const here = ['--data-dir', data];
/**
 * Far beyond what a start or a stop takes on the slowest machine: these bound a hang. What they do take
 * is printed.
 */
const READY_MS = 120_000;
const STOP_MS = 60_000;

/** What was measured, with what else kept the machine busy. */
function measured(what: string, ms: number): string {
  return `${what} after ${Math.round(ms)} ms, at a load of ${(loadavg()[0] ?? 0).toFixed(1)}`;
}

/** Processes below a process, which are the store servers of a dev. */
function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
}

function isAlive(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

interface Received {
  seq: number;
  text: string;
}

describe('openimctl dev', () => {
  let dev: Dev;
  let token = '';
  after(() => {
    dev.child.kill('SIGKILL');
    rmSync(dir, { recursive: true, force: true });
  });

  /** What bob sees of one message that alice sends now. */
  async function exchange(text: string): Promise<Received> {
    const receiver = start([
      'recv',
      ...here,
      '--as',
      'bob',
      '--count',
      '1',
      '--timeout',
      '30s',
      '-o',
      'json',
    ]);
    await receiver.says('connected as bob');
    await json('send', ...here, '--from', 'alice', '--to', 'bob', text);
    const { code, stdout, stderr } = await receiver.end();
    assert.equal(code, 0, stderr);
    const received = JSON.parse(stdout) as Received;
    assert.equal(received.text, text);
    return received;
  }

  test('the first start says in one line of JSON that it is ready', async (t) => {
    dev = await startDev(data, '--tenant', 't2');
    t.diagnostic(measured('ready', dev.readyMs));
    assert.ok(dev.readyMs <= READY_MS, measured('ready', dev.readyMs));
    assert.match(dev.stdout(), /^\{"ready":true,"api":"http:[^"]+","ws":"ws:[^"]+","ops":"http:[^"]+"\}\n$/);
    for (const line of dev
      .stderr()
      .split('\n')
      .filter((text) => text.startsWith('{')))
      JSON.parse(line);
    assert.equal((await fetch(`${dev.ready.ops}/readyz`)).status, 200);
    const secrets = Object.values(JSON.parse(readFileSync(join(data, 'secrets.json'), 'utf8')) as object);
    assert.equal(secrets.length, 2);
    for (const { adminSecret, tokenSecret } of secrets) {
      assert.ok(!dev.stderr().includes(adminSecret) && !dev.stderr().includes(tokenSecret));
    }
  });

  test('users are made, log in and chat, in each tenant', async () => {
    await json('user', 'create', 'alice', 'bob', ...here);
    await json('user', 'create', 'alice', 'bob', ...here, '--tenant', 't2');
    ({ token } = await json<{ token: string }>('token', 'create', 'alice', ...here));
    assert.equal((await exchange('hello')).seq, 1);
  });

  test('a backend has a token with a role, by which openimctl works in its limits, until it is revoked', async () => {
    const issued = await json<{ id: string; token: string }>('token', 'create', '--role', 'issue', ...here);
    const api = ['--api', dev.ready.api];
    const withToken = (...args: string[]) =>
      start([...args, ...api], { env: { OPENIM_ADMIN_TOKEN: issued.token } }).end();
    const ofUser = await withToken('token', 'create', 'alice', '--platform', 'ios');
    assert.equal(ofUser.code, 0, ofUser.stderr);
    const listed = await withToken('user', 'list');
    assert.equal(listed.code, 1);
    assert.match(listed.stderr, /a token with the role issue may not do this \(read\)/);
    const inspected = await json<{ id: string; role: string }>('token', 'inspect', issued.token, ...here);
    assert.deepEqual([inspected.id, inspected.role], [issued.id, 'issue']);
    const { tokens } = await json<{ tokens: { tokenID: string }[] }>('token', 'list', ...here);
    assert.deepEqual(
      tokens.map(({ tokenID }) => tokenID),
      [issued.id],
    );
    await json('token', 'revoke', issued.id, ...here);
    const refused = await withToken('token', 'create', 'alice');
    assert.match(refused.stderr, /1506|revoked/);
    const { tokens: kept } = await json<{ tokens: { revokeTime: number }[] }>('token', 'list', ...here);
    assert.ok(kept[0]?.revokeTime);
    const neither = await start(['token', 'revoke', ...here]).end();
    assert.equal(neither.code, 2, neither.stderr);
  });

  test('a tenant is exported into files that have what was made of it alone, and an interrupted export goes on', async () => {
    const dir = join(data, 'exported');
    const exportTo = (to: string, ...more: string[]) =>
      run(['tenant', 'export', '--dir', to, '--reason', 'moving', ...more, ...here]);
    const done = await exportTo(dir);
    assert.equal(done.code, 0, done.stderr);
    const linesOf = (kind: string): Record<string, unknown>[] =>
      readFileSync(join(dir, `${kind}.ndjson`), 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
    const users = linesOf('user').map(({ userID }) => userID);
    assert.ok(users.includes('alice') && users.includes('bob'));
    const said = linesOf('message').filter(({ contentType }) => contentType === 101);
    assert.deepEqual(
      said.map(({ seq, sendID, recvID, content }) => [
        seq,
        sendID,
        recvID,
        JSON.parse(String(content)).content,
      ]),
      [[1, 'alice', 'bob', 'hello']],
    );
    const state = () => JSON.parse(readFileSync(join(dir, 'export.json'), 'utf8'));
    const { finishedAt, files } = state();
    assert.ok(finishedAt);
    const text = readdirSync(dir)
      .map((name) => readFileSync(join(dir, name), 'utf8'))
      .join();
    for (const { adminSecret, tokenSecret } of Object.values(
      JSON.parse(readFileSync(join(data, 'secrets.json'), 'utf8')) as Record<string, Record<string, string>>,
    ))
      assert.ok(!text.includes(adminSecret ?? '-') && !text.includes(tokenSecret ?? '-'));
    assert.ok(!text.includes(token));
    const again = await exportTo(dir);
    assert.deepEqual([again.code, /complete; name a new directory/.test(again.stderr)], [2, true]);

    // As after a crash: lines that came after the state was kept, one of them in part, are written again.
    const whole = readFileSync(join(dir, 'user.ndjson'), 'utf8');
    const [first = ''] = whole.split('\n');
    const bytes = Buffer.byteLength(first) + 1;
    writeFileSync(join(dir, 'user.ndjson'), `${whole.slice(0, bytes)}{"userID":"half`);
    const reader = await json<{ token: string }>('token', 'create', '--role', 'read', ...here);
    const answer = await fetch(`${dev.ready.api}/admin/v1/export?reason=again&limit=1`, {
      headers: { token: reader.token },
    });
    const { cursor } = JSON.parse(await answer.text());
    const { finishedAt: _, ...rest } = state();
    const interrupted = { ...rest, cursor, files: { user: { lines: 1, bytes } } };
    for (const name of readdirSync(dir)) if (!/^(user|export)/.test(name)) rmSync(join(dir, name));
    writeFileSync(join(dir, 'export.json'), JSON.stringify(interrupted));
    const resumed = await exportTo(dir);
    assert.equal(resumed.code, 0, resumed.stderr);
    assert.equal(readFileSync(join(dir, 'user.ndjson'), 'utf8'), whole);
    assert.deepEqual(state().files, files);

    const otherTenant = await exportTo(join(data, 'exported-t2'), '--tenant', 't2');
    assert.equal(otherTenant.code, 0, otherTenant.stderr);
    const ofOther = readdirSync(join(data, 'exported-t2'));
    assert.ok(ofOther.includes('user.ndjson') && !ofOther.includes('message.ndjson'), 'they did not chat');
    const later = await exportTo(join(data, 'later'), '--since', new Date(Date.now() + 60_000).toISOString());
    assert.equal(later.code, 0, later.stderr);
    assert.ok(!readdirSync(join(data, 'later')).includes('message.ndjson'));
    const { records } = await json<{ records: { act: string; reason: string }[] }>('audit', 'list', ...here);
    assert.deepEqual(
      records.filter(({ act }) => act === 'tenant.export').map(({ reason }) => reason)[0],
      'moving',
    );
  });

  test('users are found, banned, exported and deleted, and the audit log says so', async () => {
    await json('user', 'create', 'carol', '--nickname', 'Carol C', ...here);
    const banned = await json<{ reason: string }>(
      'user',
      'ban',
      'carol',
      '--for',
      '7d',
      '--reason',
      'spam',
      ...here,
    );
    assert.equal(banned.reason, 'spam');
    const listed = await json<{ users: { userID: string; ban?: object }[]; nextCursor?: string }>(
      ...['user', 'list', '--limit', '1', ...here],
    );
    assert.deepEqual([listed.users[0]?.userID, typeof listed.users[0]?.ban], ['carol', 'object']);
    const rest = ['--cursor', listed.nextCursor ?? ''];
    const { users } = await json<{ users: { userID: string }[] }>('user', 'list', ...rest, ...here);
    assert.equal(users.length, 3);
    assert.deepEqual(await json('user', 'unban', 'carol', ...here), { userID: 'carol', wasBanned: true });
    await json('user', 'logout', 'carol', ...here);

    const { connections } = await json<{ connections: number }>('connection', 'count', ...here);
    assert.equal(connections, 0);
    assert.deepEqual(await json('connection', 'list', ...here), { connections: [] });
    assert.deepEqual(await json('connection', 'kick', 'carol', ...here), { userID: 'carol', kicked: 0 });

    const exported = await run(['user', 'export', 'carol', '--reason', 'asked for it', ...here]);
    assert.equal(exported.code, 0, exported.stderr);
    const [profile = ''] = exported.stdout.split('\n');
    assert.deepEqual([JSON.parse(profile).kind, JSON.parse(profile).nickname], ['profile', 'Carol C']);

    const refused = await run(['user', 'delete', 'carol', ...here]);
    assert.deepEqual([refused.code, refused.stderr.includes('--yes')], [2, true]);
    const deleted = await json<{ state: string }>('user', 'delete', 'carol', '--yes', ...here);
    assert.equal(deleted.state, 'done');
    const gone = await run(['user', 'get', 'carol', ...here]);
    assert.equal(gone.code, 1);
    assert.match(gone.stderr, /there is no user carol/);

    const { records } = await json<{ records: { act: string; outcome: string }[] }>(
      ...['audit', 'list', '--target', 'user/carol', ...here],
    );
    assert.deepEqual(
      records.map(({ act, outcome }) => `${act} ${outcome}`),
      ['user.delete', 'user.export', 'connection.kick', 'user.logout', 'user.unban', 'user.ban'].map(
        (act) => `${act} done`,
      ),
    );
    const { groups } = await json<{ groups: object[] }>('group', 'list', ...here);
    assert.deepEqual(groups, []);
  });

  test('a second one on the same directory says which process has it', async () => {
    const { code, stderr, stdout } = await run(['dev', '--data-dir', data]);
    assert.equal(code, 5);
    assert.equal(stdout, '');
    assert.match(
      stderr,
      new RegExp(`^openimctl: ${data} is in use by another openimctl dev \\(process ${dev.child.pid}\\)`),
    );
    assert.equal((await fetch(`${dev.ready.ops}/readyz`)).status, 200);
  });

  test('SIGTERM stops it, with its stores', async (t) => {
    const stores = childrenOf(dev.child.pid as number);
    assert.ok(stores.length >= 4);
    const startedAt = performance.now();
    const { code } = await dev.end('SIGTERM');
    const ms = performance.now() - startedAt;
    t.diagnostic(measured('stopped', ms));
    assert.equal(code, 0);
    assert.ok(ms <= STOP_MS, measured('stopped', ms));
    assert.deepEqual(stores.filter(isAlive), []);
    const { code: later, stderr } = await run(['user', 'list', ...here]);
    assert.equal(later, 2);
    assert.match(stderr, /no `openimctl dev` runs on/);
  });

  test('a second start finds users, tokens, messages and secrets', async (t) => {
    dev = await startDev(data, '--tenant', 't2');
    t.diagnostic(measured('ready', dev.readyMs));
    assert.ok(dev.readyMs <= READY_MS, measured('ready', dev.readyMs));
    const { users } = await json<{ users: { userID: string }[] }>('user', 'list', ...here);
    assert.deepEqual(users.map((user) => user.userID).sort(), ['alice', 'bob', 'imAdmin']);
    await json('token', 'inspect', token, ...here);
    assert.equal((await exchange('again')).seq, 2);
  });

  test('after kill -9 no store is left, and a third start finds everything', async () => {
    const stores = childrenOf(dev.child.pid as number);
    await dev.end('SIGKILL');
    for (let i = 0; i < 100 && stores.some(isAlive); i++)
      await new Promise((resolve) => setTimeout(resolve, 50));
    assert.deepEqual(stores.filter(isAlive), []);
    dev = await startDev(data, '--tenant', 't2');
    assert.equal((await exchange('after the crash')).seq, 3);
  });

  test('SIGINT stops it too', async () => {
    assert.equal((await dev.end('SIGINT')).code, 0);
  });

  test('an impossible request is a clear error with its own exit code', async () => {
    const other = join(dir, 'other');
    const file = join(dir, 'bad.yaml');
    writeFileSync(file, 'gateway: { port: x }\n');
    const badConfig = await run(['dev', '--data-dir', other, '--config', file]);
    assert.equal(badConfig.code, 2);
    assert.match(badConfig.stderr, /bad\.yaml cannot be used:\n {2}gateway\.port:/);

    const taken = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => taken.once('listening', resolve));
    const { port } = taken.address() as { port: number };
    try {
      const ports = ['--api-port', `${port}`, '--ws-port', '0', '--ops-port', '0'];
      const { code, stderr } = await run(['dev', '--data-dir', other, ...ports]);
      assert.equal(code, 5);
      assert.match(stderr, new RegExp(`127\\.0\\.0\\.1:${port}; choose another port`));
    } finally {
      taken.close();
    }
  });
});
