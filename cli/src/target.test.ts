import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { CommandError, EXIT } from './exit-codes.ts';
import { requireAdminSecret, resolveTarget, type TargetOptions } from './target.ts';

const dir = mkdtempSync(join(tmpdir(), 'im-target-'));
after(() => rmSync(dir, { recursive: true, force: true }));
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
) {
  return resolveTarget({ tenant: 'default', ...options }, needs, env);
}

test('a running dev knows everything, by tenant', () => {
  const target = resolve({ dataDir: dir, tenant: 't2' }, {}, ['api', 'ws']);
  assert.equal(target.apiUrl, 'http://127.0.0.1:1/t/t2');
  assert.equal(target.wsUrl, 'ws://127.0.0.1:2/t/t2');
  assert.equal(target.adminSecret, 'dev secret of t2');
  assert.equal(target.adminUser, 'root');
});

test('flags win over the environment, and URLs over a data directory', () => {
  const env = { OPENIM_API: 'http://env', OPENIM_WS: 'ws://env', OPENIM_ADMIN_SECRET: 'env secret' };
  assert.equal(resolve({ dataDir: dir }, env).apiUrl, 'http://127.0.0.1:1');
  assert.equal(resolve({ api: 'http://flag/' }, env).apiUrl, 'http://flag');
  assert.equal(resolve({}, { ...env, OPENIM_DATA_DIR: dir }).apiUrl, 'http://env');
  assert.equal(resolve({ adminSecretFile: join(dir, 'secret') }, env).adminSecret, 'from a file');
  assert.equal(resolve({}, env).adminSecret, 'env secret');
  const fromFile = { OPENIM_API: 'http://env', OPENIM_ADMIN_SECRET_FILE: join(dir, 'secret') };
  assert.equal(resolve({}, fromFile).adminSecret, 'from a file');
});

test("a dev's secret is never used for another server", () => {
  const target = resolve({ api: 'http://elsewhere', dataDir: dir });
  assert.equal(target.adminSecret, undefined);
  assert.throws(() => requireAdminSecret(target), { message: /--admin-secret-file or OPENIM_ADMIN_SECRET/ });
});

test('what is missing or wrong is named with its remedy', () => {
  const usage = (run: () => unknown, message: RegExp) =>
    assert.throws(run, (error) => {
      assert.ok(error instanceof CommandError);
      assert.equal(error.exitCode, EXIT.usage);
      assert.match(error.message, message);
      return true;
    });
  usage(() => resolve({ api: 'http://x' }, {}, ['api', 'ws']), /use --ws \(or OPENIM_WS\)/);
  usage(() => resolve({ api: 'localhost:10002' }), /^--api: localhost:10002 is not a URL such as http:/);
  usage(() => resolve({ ws: 'http://x' }, {}, ['ws']), /^--ws: http:\/\/x is not a URL such as ws:/);
  usage(() => resolve({ dataDir: join(dir, 'none') }), /no `openimctl dev` runs on .*none/);
  usage(
    () => resolve({ api: 'http://x', adminSecretFile: join(dir, 'none') }),
    /^--admin-secret-file: ENOENT/,
  );
  usage(() => resolve({ api: 'http://x', adminSecretFile: join(dir, 'empty') }), /empty is empty/);
});
