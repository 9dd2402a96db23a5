import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { EXIT } from '../src/exit-codes.ts';
import { startFakeKubernetes } from './fake-kubernetes.ts';
import { type Dev, run, startDev } from './openimctl.ts';

const dir = mkdtempSync(join(tmpdir(), 'im-context-'));
const data = join(dir, 'data');
const file = join(dir, 'config', 'config.json');
/** Users but the administrator. */
const USERS = ['user', 'list', '--id', 'l', '-o', 'name'];
const SECRET = 'secret of the context';
/** A secret of another server, which no context may send. */
const FOREIGN = { OPENIM_ADMIN_SECRET: 'secret of another server' };

async function openimctl(args: readonly string[], env: Record<string, string> = {}, input = '') {
  return await run(args, { cwd: dir, env: { OPENIM_CTL_CONFIG: file, ...env }, input });
}

async function ok(args: readonly string[], env?: Record<string, string>, input?: string): Promise<string> {
  const { code, stdout, stderr } = await openimctl(args, env, input);
  assert.equal(code, EXIT.ok, `${args.join(' ')}: ${stderr}`);
  return stdout;
}

async function refused(args: readonly string[], text: RegExp, env?: Record<string, string>) {
  const { code, stdout, stderr } = await openimctl(args, env);
  assert.equal(code, EXIT.usage, `${args.join(' ')}: ${stderr}`);
  assert.match(stderr, text);
  assert.equal(stdout, '');
}

describe('contexts', () => {
  let dev: Dev;
  before(async () => {
    const secret = join(dir, 'secret');
    writeFileSync(secret, SECRET);
    dev = await startDev(data, '--admin-secret-file', secret, '--tenant', 'shop');
  });
  after(async () => {
    await dev.end('SIGTERM');
    rmSync(dir, { recursive: true, force: true });
  });

  test('a server is kept under a name, used without flags, and its secret comes from where it says', async () => {
    const { api, ws } = dev.ready;
    const added = await ok(
      ['context', 'add', 'kept', '--api', api, '--ws', ws, '--admin-secret-file', '-'],
      {},
      `${SECRET}\n`,
    );
    assert.match(added, /^current: +\*$/m);
    assert.match(added, /^credential: +kept here$/m);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    await ok(['user', 'create', 'alice'], FOREIGN);

    await ok(['context', 'add', 'file', '--api', api, '--admin-secret-file', join(dir, 'secret')]);
    await ok(['context', 'add', 'variable', '--api', api, '--admin-secret-env', 'MY_SECRET']);
    await ok(['context', 'add', 'dir', '--data-dir', data, '--tenant', 'shop']);
    assert.equal(await ok([...USERS, '--context', 'file'], FOREIGN), 'alice\n');
    assert.equal(await ok([...USERS, '--context', 'variable'], { MY_SECRET: SECRET, ...FOREIGN }), 'alice\n');
    await refused(['user', 'list', '--context', 'variable'], /admin secret from MY_SECRET, which is not set/);
    assert.equal(await ok(USERS, { ...FOREIGN, OPENIM_CONTEXT: 'dir' }), '');

    const listed = await ok(['context', 'list', '-o', 'yaml']);
    assert.doesNotMatch(listed, new RegExp(SECRET));
    assert.equal(await ok(['context', 'list', '-o', 'name']), 'dir\nfile\nkept\nvariable\n');
    await ok(['context', 'use', 'dir']);
    await ok(['user', 'create', 'carol']);
    assert.equal(await ok(['user', 'list', '--id', 'l', '-o', 'jsonpath={.users[*].userID}']), 'carol\n');
    assert.equal(await ok([...USERS, '--tenant', 'default']), 'alice\n');
    await ok(['context', 'remove', 'dir']);
    assert.equal(JSON.parse(readFileSync(file, 'utf8')).current, undefined);
  });

  test('a context without a secret sends none of the environment', async () => {
    await ok(['context', 'add', 'bare', '--api', dev.ready.api]);
    await refused(['user', 'list', '--context', 'bare'], /no admin secret/, FOREIGN);
    await ok(['context', 'remove', 'bare']);
  });

  test('flags and variables that name a server win over the current context, and contradict a named one', async () => {
    await ok(['context', 'add', 'dead', '--api', 'http://127.0.0.1:1', '--use']);
    assert.equal(await ok([...USERS, '--data-dir', data]), 'alice\n');
    assert.equal(await ok(USERS, { OPENIM_DATA_DIR: data }), 'alice\n');
    await refused(
      ['user', 'list', '--context', 'dead', '--data-dir', data],
      /--context and --data-dir name two servers/,
    );
    await refused(['status', '--context', 'dead'], /names a server by its address.*works on Kubernetes/);
    await ok(['context', 'remove', 'dead']);
  });

  test('a context of Kubernetes serves commands on the cluster as well as on its users', async () => {
    await using kubernetes = await startFakeKubernetes();
    const base64 = (text: string) => Buffer.from(text).toString('base64');
    kubernetes.put('openimclusters', {
      metadata: { name: 'chat', namespace: 'im', generation: 1 },
      status: { endpoints: { api: dev.ready.api, adminSecretRef: { name: 'chat-admin' } } },
    });
    kubernetes.put('openimclusters', { metadata: { name: 'other', namespace: 'im', generation: 1 } });
    kubernetes.put('secrets', {
      metadata: { name: 'chat-admin', namespace: 'im' },
      data: { adminUser: base64('imAdmin'), adminSecret: base64(SECRET) },
    });
    const add = ['context', 'add', 'k8s', '--kubeconfig', kubernetes.kubeconfig];
    await ok([...add, '--cluster', 'im/chat', '--use']);
    assert.equal(await ok(USERS, FOREIGN), 'alice\n');
    assert.equal(await ok(['status', '-o', 'jsonpath={.cluster}']), 'im/chat\n');
    assert.equal(await ok(['status', 'im/other', '-o', 'jsonpath={.cluster}']), 'im/other\n');
    await refused(['status', '--context', 'fake'], /no context fake \(there are .*k8s.*--kube-context/);
    await ok(['context', 'remove', 'k8s']);
  });

  test('wrong use is refused with its remedy', async () => {
    const add = ['context', 'add', 'x'];
    await refused(add, /names one server, by one of: --api and --ws; --data-dir; --cluster/);
    await refused([...add, '--api', dev.ready.api, '--data-dir', 'd'], /together with --data-dir name two/);
    await refused([...add, '--api', 'ftp://x'], /--api: ftp:\/\/x is not a URL/);
    await refused(['context', 'add', '../x', '--api', dev.ready.api], /<name>: \.\.\/x is not/);
    await refused([...add, '--api', dev.ready.api, '--admin-secret-env', 'not a name'], /not the name of/);
    await refused([...add, '--api', dev.ready.api, '--admin-secret', 's'], /unknown option/);
    await refused(['context', 'use', 'missing'], /no context missing.*openimctl context add missing/);
    await refused(['user', 'list', '-o', 'jsonpath={.x'], /is never closed/);
    await refused(['user', 'list', '-o', 'xml'], /table, wide, json, yaml, name, jsonpath=/);
  });
});
