import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { ClusterChoice } from './cluster/options.ts';
import type { ClusterServer, ServerNeeds } from './cluster/server.ts';
import { CommandError, EXIT } from './exit-codes.ts';
import type { ClusterFinder } from './find-server.ts';
import { requireAdminSecret, resolveTarget } from './target.ts';
import type { TargetOptions } from './target-options.ts';

const dir = mkdtempSync(join(tmpdir(), 'im-target-'));
after(() => rmSync(dir, { recursive: true, force: true }));
// So that no running dev server of this machine is found.
process.chdir(dir);
const state = {
  pid: process.pid,
  api: 'http://127.0.0.1:1',
  ws: 'ws://127.0.0.1:2',
  ops: 'http://127.0.0.1:3',
  adminUser: 'root',
  adminSecrets: { default: 'dev secret', t2: 'dev secret of t2' },
};
writeFileSync(join(dir, 'state.json'), JSON.stringify(state));
writeFileSync(join(dir, 'secret'), 'from a file\n');
writeFileSync(join(dir, 'empty'), '\n');

function resolve(
  options: Partial<TargetOptions>,
  env: Record<string, string> = {},
  needs?: readonly ('api' | 'ws')[],
  clusters: ClusterFinder = noClusters,
) {
  return resolveTarget({ tenant: 'default', ...options }, needs, env, clusters);
}

const noClusters: ClusterFinder = {
  named: () => Promise.reject(new Error('nobody named a cluster')),
  guessed: () => Promise.resolve('there is no kubeconfig'),
};

const CLUSTER: ClusterServer = {
  name: 'im/chat',
  api: 'http://cluster',
  ws: 'ws://cluster',
  adminUser: 'clusterAdmin',
  adminSecret: 'cluster secret',
  secretProblem: undefined,
};

/** Clusters that record the lookups. */
function clusters(server: ClusterServer = CLUSTER) {
  const asked: (ClusterChoice | 'guessed')[] = [];
  const needed: ServerNeeds[] = [];
  const finder: ClusterFinder = {
    named(choice, needs) {
      asked.push(JSON.parse(JSON.stringify(choice)));
      needed.push(needs);
      return Promise.resolve(server);
    },
    guessed(_env, needs) {
      asked.push('guessed');
      needed.push(needs);
      return Promise.resolve(server);
    },
  };
  return { asked, needed, finder };
}

test('a running dev knows everything, by tenant', async () => {
  const target = await resolve({ dataDir: dir, tenant: 't2' }, {}, ['api', 'ws']);
  assert.equal(target.apiUrl, 'http://127.0.0.1:1/t/t2');
  assert.equal(target.wsUrl, 'ws://127.0.0.1:2/t/t2');
  assert.equal(target.adminSecret, 'dev secret of t2');
  assert.equal(target.adminUser, 'root');
});

test('flags win over the environment, and URLs over a data directory', async () => {
  const env = { OPENIM_API: 'http://env', OPENIM_WS: 'ws://env', OPENIM_ADMIN_SECRET: 'env secret' };
  assert.equal((await resolve({ dataDir: dir }, env)).apiUrl, 'http://127.0.0.1:1');
  assert.equal((await resolve({ api: 'http://flag/' }, env)).apiUrl, 'http://flag');
  assert.equal((await resolve({}, { ...env, OPENIM_DATA_DIR: dir })).apiUrl, 'http://env');
  assert.equal((await resolve({ adminSecretFile: join(dir, 'secret') }, env)).adminSecret, 'from a file');
  assert.equal((await resolve({}, env)).adminSecret, 'env secret');
  const fromFile = { OPENIM_API: 'http://env', OPENIM_ADMIN_SECRET_FILE: join(dir, 'secret') };
  assert.equal((await resolve({}, fromFile)).adminSecret, 'from a file');
});

test("a dev's secret is never used for another server", async () => {
  const target = await resolve({ api: 'http://elsewhere', dataDir: dir });
  assert.equal(target.adminSecret, undefined);
  assert.throws(() => requireAdminSecret(target), { message: /--admin-secret-file or OPENIM_ADMIN_SECRET/ });
});

test('errors name the missing or wrong option and the remedy', async () => {
  const usage = (run: () => Promise<unknown>, message: RegExp) =>
    assert.rejects(run, (error) => {
      assert.ok(error instanceof CommandError);
      assert.equal(error.exitCode, EXIT.usage);
      assert.match(error.message, message);
      return true;
    });
  await usage(() => resolve({ api: 'http://x' }, {}, ['api', 'ws']), /use --ws \(or OPENIM_WS\)/);
  await usage(
    () => resolve({ api: 'localhost:10002' }),
    /^--api: localhost:10002 is not a URL such as http:/,
  );
  await usage(() => resolve({ ws: 'http://x' }, {}, ['ws']), /^--ws: http:\/\/x is not a URL such as ws:/);
  await usage(() => resolve({ dataDir: join(dir, 'none') }), /no `openimctl dev` runs on .*none/);
  await usage(
    () => resolve({ api: 'http://x', adminSecretFile: join(dir, 'none') }),
    /^--admin-secret-file: ENOENT/,
  );
  await usage(() => resolve({ api: 'http://x', adminSecretFile: join(dir, 'empty') }), /empty is empty/);
});

test('a cluster that is named knows everything', async () => {
  const { asked, needed, finder } = clusters();
  const flags = { cluster: 'chat', namespace: 'im', kubeContext: 'c', kubeconfig: 'k' };
  const target = await resolve(flags, {}, ['api', 'ws'], finder);
  assert.deepEqual(asked, [flags]);
  assert.deepEqual(needed, [{ endpoints: ['api', 'ws'], secretOf: 'default' }]);
  assert.equal(target.apiUrl, 'http://cluster');
  assert.equal(target.wsUrl, 'ws://cluster');
  assert.equal(requireAdminSecret(target), 'cluster secret');
  assert.equal(target.adminUser, 'clusterAdmin');
  assert.equal(
    (await resolve({ tenant: 't2', ...flags }, {}, ['api'], finder)).apiUrl,
    'http://cluster/t/t2',
  );
});

test('which server counts: flags, then the environment, then a running dev, then the only cluster', async () => {
  const { asked, finder } = clusters();
  const api = async (options: Partial<TargetOptions>, env: Record<string, string> = {}) =>
    (await resolve(options, env, ['api'], finder)).apiUrl;
  const env = { OPENIM_API: 'http://env', OPENIM_DATA_DIR: dir, OPENIM_CLUSTER: 'chat' };
  assert.equal(await api({ cluster: 'chat' }, env), 'http://cluster');
  assert.equal(await api({ dataDir: dir }, env), 'http://127.0.0.1:1');
  assert.equal(await api({}, env), 'http://env');
  assert.equal(await api({}, { ...env, OPENIM_API: '' }), 'http://127.0.0.1:1');
  assert.deepEqual(asked.splice(0), [{ cluster: 'chat' }]);
  assert.equal(await api({}, { OPENIM_CLUSTER: 'im/chat' }), 'http://cluster');
  assert.equal(await api({ namespace: 'im' }, { OPENIM_CLUSTER: 'chat' }), 'http://cluster');
  assert.equal(await api({}), 'http://cluster');
  assert.deepEqual(asked, [{ cluster: 'im/chat' }, { namespace: 'im', cluster: 'chat' }, 'guessed']);
});

test("a cluster's secret is never sent to another server, nor another server's to a cluster", async () => {
  const { asked, finder } = clusters();
  for (const other of [{ api: 'http://x' }, { ws: 'ws://x' }, { dataDir: dir }]) {
    for (const named of [
      { cluster: 'chat' },
      { namespace: 'im' },
      { kubeContext: 'c' },
      { kubeconfig: 'k' },
    ]) {
      await assert.rejects(resolve({ ...other, ...named }, {}, ['api'], finder), {
        message: /name two servers.*leave one out$/,
      });
    }
  }
  assert.deepEqual(asked, []);
  const env = { OPENIM_ADMIN_SECRET: 'env secret', OPENIM_ADMIN_USER: 'envAdmin' };
  const byFlag = await resolve({ cluster: 'chat' }, env, ['api'], finder);
  assert.deepEqual([byFlag.adminSecret, byFlag.adminUser], ['cluster secret', 'clusterAdmin']);
  assert.equal((await resolve({}, env, ['api'], finder)).adminSecret, 'cluster secret');
  const byEnv = await resolve({}, { ...env, OPENIM_CLUSTER: 'chat' }, ['api'], finder);
  assert.deepEqual([byEnv.adminSecret, byEnv.adminUser], ['env secret', 'envAdmin']);
  assert.equal(
    (await resolve({ cluster: 'chat', adminSecret: 'flag' }, env, ['api'], finder)).adminSecret,
    'flag',
  );
});

test('the Secret of a cluster is read only where it is of use, and for the tenant that is meant', async () => {
  const { needed, finder } = clusters();
  await resolve({ cluster: 'chat' }, {}, ['ws'], finder);
  await resolve({ cluster: 'chat', adminSecret: 'x' }, {}, ['api'], finder);
  await resolve({ cluster: 'chat', tenant: 't2' }, {}, ['api'], finder);
  assert.deepEqual(
    needed.map(({ secretOf }) => secretOf),
    [undefined, undefined, 't2'],
  );
  const unreadable = clusters({ ...CLUSTER, adminSecret: undefined, secretProblem: 'it is forbidden' });
  const target = await resolve({ cluster: 'chat' }, {}, ['api'], unreadable.finder);
  assert.throws(() => requireAdminSecret(target), {
    message: /^no admin secret: it is forbidden; use --admin-secret/,
  });
});
