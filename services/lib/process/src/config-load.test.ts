import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ConfigError, configFields, configHash, parseConfig } from '@im/contract';
import { hashOfFiles, loadConfig, readConfig, readStartConfig, redactConfig } from './config-load.ts';
import { TenantFilesChangingError } from './tenant-files.ts';

/** Runs a test in a directory with the given files. */
async function withFiles(
  files: (dir: string) => Record<string, string>,
  use: (dir: string) => Promise<void>,
): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'im-config-'));
  try {
    for (const [name, text] of Object.entries(files(dir))) await writeFile(join(dir, name), text);
    await use(dir);
  } finally {
    await rm(dir, { recursive: true });
  }
}

test('nothing given makes a complete config', async () => {
  const config = await loadConfig({ env: {} });
  assert.equal(config.gateway.port, 10_001);
  assert.equal(config.nats.partitions, 64);
  assert.deepEqual(config.tenants, []);
});

test('the file, then the environment, then flags win; secrets come from files', async () => {
  const files = (dir: string) => ({
    'im.yaml': `
      gateway: { port: 1 }
      api: { port: 1 }
      ops: { port: 1 }
      tenants:
        - { id: default, tokenSecret: "\${env:TOKEN_SECRET}", adminSecret: "\${file:${dir}/admin}" }`,
    admin: 'from-file\n',
    uri: 'mongodb://u:p@db/x\n',
  });
  await withFiles(files, async (dir) => {
    const env = {
      TOKEN_SECRET: 'from-env',
      OPENIM_API_PORT: '2',
      OPENIM_OPS_PORT: '2',
      OPENIM_NATS_SERVERS: 'nats://a:1, nats://b:1',
      OPENIM_MONGO_URI_FILE: join(dir, 'uri'),
    };
    const config = await loadConfig({ file: join(dir, 'im.yaml'), env, set: { 'ops.port': 3 } });
    assert.deepEqual([config.gateway.port, config.api.port, config.ops.port], [1, 2, 3]);
    assert.deepEqual(config.nats.servers, ['nats://a:1', 'nats://b:1']);
    assert.equal(config.mongo.uri, 'mongodb://u:p@db/x');
    assert.partialDeepStrictEqual(config.tenants[0], { tokenSecret: 'from-env', adminSecret: 'from-file' });
    const printed = JSON.stringify(redactConfig(config));
    for (const hidden of ['u:p', 'from-env', 'from-file']) assert.ok(!printed.includes(hidden), hidden);
    assert.ok(printed.includes('@db/x'));
  });
});

test('variables of the version before are read and listed, those of this version win', async () => {
  const env = { IM_API_PORT: '2', OPENIM_API_PORT: '3', IM_OPS_PORT: '4', IM_MONGO_URI_FILE: '/uri' };
  const readText = async () => 'mongodb://db/x';
  const { config, deprecated } = await readConfig({ env, readText });
  assert.deepEqual([config.api.port, config.ops.port, config.mongo.uri], [3, 4, 'mongodb://db/x']);
  assert.deepEqual(
    deprecated.toSorted((a, b) => a.name.localeCompare(b.name)),
    [
      { name: 'IM_MONGO_URI_FILE', use: 'OPENIM_MONGO_URI_FILE' },
      { name: 'IM_OPS_PORT', use: 'OPENIM_OPS_PORT' },
    ],
  );
});

test('every field at fault is named, with what it should be', async () => {
  const env = { OPENIM_GATEWAY_PORT: 'abc', OPENIM_NATS_REPLICAS: '2', OPENIM_MONGO_URI: 'http://x' };
  await assert.rejects(loadConfig({ env, set: { 'api.prot': 3 } }), (error: unknown) => {
    assert.ok(error instanceof ConfigError);
    for (const part of [
      /gateway\.port: /,
      /nats\.replicas: must be 1, 3 or 5/,
      /mongo\.uri: must start/,
      /prot/,
    ]) {
      assert.match(error.message, part);
    }
    return true;
  });
  assert.throws(() => parseConfig({ nats: { partitions: 32 } }), /nats\.partitions/);
  assert.throws(
    () => parseConfig({ tenants: [{ id: 'X', tokenSecret: 's', adminSecret: 's' }] }),
    /tenants\.0\.id: must be/,
  );
});

test('an invalid tenant is refused alone; a check of the file reports all its faults', async () => {
  const tenants = (dir: string) => `
      - { id: a, tokenSecret: s, adminSecret: "\${file:${dir}/there}" }
      - { id: b, tokenSecret: "\${file:${dir}/absent}", adminSecret: "\${env:NOPE}" }
      - { id: c, tokenSecret: s, adminSecret: s, quotas: { users: -1 } }
      - { id: a, tokenSecret: s, adminSecret: s }`;
  const files = (dir: string) => ({
    'im.yaml': `tenants:${tenants(dir)}`,
    'wrong.yaml': `mongo: { uri: "\${env:NOPE}" }\ngateway: { port: x }\ntenants:${tenants(dir)}`,
    'none.yaml': 'tenants: [{ id: a, tokenSecret: hush-hush }, { id: B }]',
    'no-list.yaml': 'tenants: { id: a }',
    there: 'x',
  });
  await withFiles(files, async (dir) => {
    const source = { file: join(dir, 'im.yaml'), env: {} };
    const { config, invalidTenants, hash, references } = await readStartConfig(source);
    assert.deepEqual(
      config.tenants.map(({ id, adminSecret }) => [id, adminSecret]),
      [['a', 'x']],
    );
    assert.deepEqual(
      invalidTenants.map(({ index, id }) => [index, id]),
      [
        [1, 'b'],
        [2, 'c'],
        [3, 'a'],
      ],
    );
    assert.equal(await hashOfFiles(source, references), hash, 'nothing new, though a file is absent');
    await writeFile(join(dir, 'absent'), 'now');
    assert.notEqual(await hashOfFiles(source, references), hash);
    await rm(join(dir, 'absent'));

    const faults = [
      /tenants\.1\.tokenSecret \(b\): cannot read the file .*absent \(ENOENT\)/,
      /tenants\.1\.adminSecret \(b\): the environment has no NOPE/,
      /tenants\.2\.quotas\.users \(c\): /,
      /tenants\.3\.id \(a\): is also that of entry 0/,
    ];
    const names = (expected: readonly RegExp[]) => (error: unknown) => {
      assert.ok(error instanceof ConfigError);
      for (const fault of expected) assert.match(error.message, fault);
      return true;
    };
    await assert.rejects(loadConfig(source), names(faults));
    const wrong = { file: join(dir, 'wrong.yaml'), env: {} };
    const all = [/\n {2}mongo\.uri: the environment/, /\n {2}gateway\.port: /, ...faults];
    for (const read of [loadConfig, readConfig, readStartConfig])
      await assert.rejects(read(wrong), names(all));

    const none = { file: join(dir, 'none.yaml'), env: {} };
    assert.equal((await readConfig(none)).invalidTenants.length, 2, 'a running process goes on');
    await assert.rejects(readStartConfig(none), (error: unknown) => {
      assert.ok(!String(error).includes('hush'));
      return names([/tenants\.0\.adminSecret \(a\): is missing/, /tenants\.1\.id: must be/])(error);
    });
    await assert.rejects(readConfig({ file: join(dir, 'no-list.yaml'), env: {} }), /tenants: .*array/);
  });
});

test('what is said of a file that is no YAML quotes nothing of it', async () => {
  const tenant = (text: string) => `tenants:\n  - id: a\n    ${text}\n`;
  const files = () => ({
    'a.yaml': tenant('tokenSecret: "hush-hush'),
    'b.yaml': tenant('tokenSecret: *hush-hush'),
    'c.yaml': tenant('tokenSecret: a: hush-hush'),
    'd.yaml': tenant('tokenSecret: @hush-hush'),
    'e.yaml': '- { tokenSecret: hush-hush }',
    'f.yaml': tenant('tokenSecret: !hush-hush x'),
  });
  await withFiles(files, async (dir) => {
    for (const name of Object.keys(files())) {
      await assert.rejects(readStartConfig({ file: join(dir, name), env: {} }), (error: unknown) => {
        assert.ok(error instanceof ConfigError, `${name}: ${error}`);
        assert.ok(!error.message.includes('hush'), error.message);
        assert.equal(error.cause, undefined);
        return true;
      });
    }
    await assert.rejects(readConfig({ file: join(dir, 'a.yaml'), env: {} }), /at line \d+, column \d+/);
  });
});

test('a file that is absent, broken or refers to nothing is a clear error', async () => {
  await assert.rejects(
    loadConfig({ file: '/nowhere/im.yaml', env: {} }),
    /cannot read the config file \/nowhere/,
  );
  const files = () => ({ 'a.yaml': 'a: [', 'b.yaml': `mongo: { uri: "\${env:NOPE}" }`, 'c.yaml': '- 1' });
  await withFiles(files, async (dir) => {
    const load = (name: string) => loadConfig({ file: join(dir, name), env: {} });
    await assert.rejects(load('a.yaml'), /a\.yaml is not YAML/);
    await assert.rejects(load('b.yaml'), /mongo\.uri: the environment has no NOPE/);
    await assert.rejects(load('c.yaml'), /c\.yaml: expected a mapping/);
  });
});

test('every field is described and has a unique name in the environment', () => {
  const fields = configFields();
  assert.equal(new Set(fields.map(({ env }) => env)).size, fields.length);
  for (const field of fields) assert.ok(field.description.length > 3, `${field.path} has no description`);
});

test('schedules are those that the role cron can read', () => {
  const check = (messageExpiry: string) => () => parseConfig({ cron: { messageExpiry } });
  for (const good of ['17 3 * * *', '0 */6 * * MON-FRI', '30 0 3 1,15 * ?'])
    assert.doesNotThrow(check(good), good);
  for (const bad of ['every day at three o clock', '61 * * * *', '* *', '', '2026-01-01T00:00:00'])
    assert.throws(check(bad), /cron\.messageExpiry: must be a cron expression/, bad);
});

test('a config is named by its text and by what it refers to', async () => {
  const files: Record<string, string> = {
    'im.yaml': `mongo: { uri: "\${file:/s/uri}" }\nnats: { password: "\${file:/s/password}" }\n`,
    '/s/uri': 'mongodb://a\n',
    '/s/password': 'x',
    '/s/other': 'y',
  };
  const source = { file: 'im.yaml', env: {}, readText: async (path: string) => files[path] ?? '' };
  const { config, hash, references } = await readConfig(source);
  assert.equal(config.mongo.uri, 'mongodb://a');
  assert.deepEqual(references.toSorted(), ['/s/password', '/s/uri']);
  const named = new Map(references.map((path) => [path, files[path] ?? '']));
  assert.equal(hash, configHash(files['im.yaml'] ?? '', named));
  assert.match(hash, /^[0-9a-f]{16}$/);
  assert.equal(await hashOfFiles(source, references), hash);
  files['/s/other'] = 'z';
  assert.equal(await hashOfFiles(source, references), hash);
  files['/s/password'] = 'changed';
  assert.notEqual(await hashOfFiles(source, references), hash);
});

/** A folder with tenants in two files, of which the second has this revision. */
const inFolder = (dir: string, revision: number): Record<string, string> => ({
  'im.yaml': `tenantsDir: ${dir}`,
  'index.json': JSON.stringify({ revision: 7, files: { '00.json': 3, '01.json': 7 } }),
  '00.json': JSON.stringify({
    revision: 3,
    tenants: [{ id: 'a', tokenSecret: ['$', `{file:${dir}/secret}`].join(''), adminSecret: 'x' }],
  }),
  '01.json': JSON.stringify({
    revision,
    tenants: [{ id: 'b', tokenSecret: 'y', adminSecret: 'y' }, { id: 'c' }],
  }),
  secret: 'one',
});

test('tenants are read from the files of a folder, and none of them is part of the hash of the config', async () => {
  await withFiles(
    (dir) => inFolder(dir, 7),
    async (dir) => {
      const source = { file: join(dir, 'im.yaml'), env: {} };
      const loaded = await readConfig({ ...source, tenantVersions: 'match' });
      assert.deepEqual(
        loaded.config.tenants.map(({ id, tokenSecret }) => [id, tokenSecret]),
        [
          ['a', 'one'],
          ['b', 'y'],
        ],
      );
      assert.equal(loaded.config.tenantsRevision, 7);
      assert.deepEqual(
        loaded.invalidTenants.map(({ id }) => id),
        ['c'],
      );
      assert.equal(loaded.hash, configHash(`tenantsDir: ${dir}`, new Map()));
      for (const [name, text] of [
        ['secret', 'two'],
        ['01.json', JSON.stringify({ revision: 7, tenants: [] })],
        ['index.json', JSON.stringify({ revision: 8, files: {} })],
      ] as const) {
        const before = await readConfig(source);
        assert.equal(await hashOfFiles(source, before.references), before.state);
        await writeFile(join(dir, name), text);
        assert.notEqual(await hashOfFiles(source, before.references), before.state, name);
        assert.equal((await readConfig(source)).hash, before.hash);
      }
    },
  );
});

test('tenants in files of different versions are taken at a start only', async () => {
  await withFiles(
    (dir) => inFolder(dir, 6),
    async (dir) => {
      const source = { file: join(dir, 'im.yaml'), env: {} };
      assert.equal((await readStartConfig(source)).config.tenants.length, 2);
      const matching = { ...source, tenantVersions: 'match' } as const;
      await assert.rejects(readConfig(matching), TenantFilesChangingError);
      await rm(join(dir, '01.json'));
      await assert.rejects(readConfig(matching), TenantFilesChangingError);
      await assert.rejects(readStartConfig(source), /tenantsDir: cannot read .*01\.json/);
      await writeFile(join(dir, 'index.json'), '{"revision":0,"files":{}}');
      await assert.rejects(readConfig(matching), /tenantsDir: .*index\.json: revision: /);
      await writeFile(join(dir, 'im.yaml'), `tenantsDir: ${dir}\ntenants: [{ id: a }]`);
      await assert.rejects(
        readConfig(source),
        /^ConfigError: tenants: cannot be given together with tenantsDir/,
      );
    },
  );
});
