import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { keyID } from '@im/contract';
import { parse } from 'yaml';
import { configKeys } from './config-file.ts';

const NOW = new Date('2030-01-01T00:00:00Z');
const HOUR_MS = 3_600_000;
let dir: string;
let file: string;

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'im-keys-'));
  file = join(dir, 'im.yaml');
});
after(() => rm(dir, { recursive: true, force: true }));

async function write(tenants: string): Promise<void> {
  await writeFile(file, `# Kept.\ntenants:\n${tenants}\n`);
}

async function entry(): Promise<Record<string, string>> {
  const text = await readFile(file, 'utf8');
  assert.match(text, /^# Kept\.\n/);
  return (parse(text) as { tenants: Record<string, string>[] }).tenants[1] ?? {};
}

const OTHER = '  - { id: other, tokenSecret: x, adminSecret: y }';
const states = async () =>
  (await (await configKeys(file, 'shop')).list(NOW)).map(
    ({ purpose, id, state }) => `${purpose} ${id} ${state}`,
  );

test('a rotation takes two calls, the former key ends later or at once, and nothing else changes', async () => {
  await write(`${OTHER}\n  - { id: shop, tokenSecret: one, adminSecret: a } # Ours.`);
  const rotate = async (now = NOW) => (await configKeys(file, 'shop')).rotate('signing', HOUR_MS, now);
  assert.equal(await rotate(), 'loading');
  const staged = await entry();
  assert.equal(staged.tokenSecret, 'one');
  const next = staged.secondTokenSecret ?? '';
  assert.match(next, /^[0-9a-f]{64}$/);
  assert.deepEqual(await states(), [
    `Signing ${keyID('one')} Current`,
    `Signing ${keyID(next)} Next`,
    `Admin ${keyID('a')} Current`,
  ]);
  assert.equal(await rotate(), 'used');
  assert.deepEqual(await entry(), {
    ...{ id: 'shop', tokenSecret: next, adminSecret: 'a', secondTokenSecret: 'one' },
    secondTokenSecretUntil: '2030-01-01T01:00:00.000Z',
  });
  await assert.rejects(rotate(), /the former key is accepted until 2030-01-01T01:00:00/);
  await (await configKeys(file, 'shop')).revoke(keyID('one'), NOW);
  assert.equal((await entry()).secondTokenSecretUntil, NOW.toISOString());
  assert.equal(await rotate(), 'loading');
  assert.equal((await entry()).secondTokenSecretUntil, undefined);
  assert.match(await readFile(file, 'utf8'), /id: other, tokenSecret: x, adminSecret: y/);
});

test('a secret in a file gets another file, for its owner alone', async () => {
  const path = join(dir, 'admin');
  await writeFile(path, 'letmein\n');
  const reference = (of: string) => ['$', `{file:${of}}`].join('');
  await write(`${OTHER}\n  - { id: shop, tokenSecret: one, adminSecret: "${reference(path)}" }`);
  for (const done of ['loading', 'used'])
    assert.equal(await (await configKeys(file, 'shop')).rotate('admin', HOUR_MS, NOW), done);
  const { adminSecret = '', secondAdminSecret } = await entry();
  assert.equal(secondAdminSecret, reference(path));
  const made = adminSecret.slice('${file:'.length, -1);
  assert.equal((await stat(made)).mode & 0o777, 0o600);
  const secret = (await readFile(made, 'utf8')).trim();
  assert.equal(made, `${path}.${keyID(secret)}`);
  assert.deepEqual((await states()).slice(1), [
    `Admin ${keyID(secret)} Current`,
    `Admin ${keyID('letmein')} Former`,
  ]);
});

test('what cannot be done says why, and tells no secret', async () => {
  await write(`${OTHER}\n  - { id: shop, tokenSecret: one, adminSecret: a }`);
  const keys = await configKeys(file, 'shop');
  await assert.rejects(configKeys(file, 'none'), /has no tenant none in tenants/);
  await assert.rejects(configKeys(join(dir, 'none.yaml'), 'shop'), /--config: ENOENT/);
  await assert.rejects(keys.revoke(keyID('one'), NOW), /is in use: rotate it/);
  await assert.rejects(keys.revoke('0123456789ab', NOW), /has no key 0123456789ab/);
  const variable = ['$', '{env:KEY}'].join('');
  await write(`${OTHER}\n  - { id: shop, tokenSecret: "${variable}", adminSecret: a }`);
  await assert.rejects(
    (await configKeys(file, 'shop')).rotate('signing', 0, NOW),
    /tokenSecret of tenant shop is not in a file/,
  );
  await writeFile(file, 'tenants: [{ id: shop, tokenSecret: "hush');
  await assert.rejects(configKeys(file, 'shop'), (error: Error) => {
    assert.match(error.message, /is not valid YAML/);
    assert.doesNotMatch(error.message, /hush/);
    return true;
  });
});
