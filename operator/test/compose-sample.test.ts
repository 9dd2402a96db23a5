import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { DEFAULT_CONFIG } from '@im/contract';
import { parse } from 'yaml';
import { STORE_IMAGES } from '../src/resources/defaults.ts';
import { ROOT } from './manifests.ts';

interface Service {
  readonly image: string;
  readonly profiles?: readonly string[];
  readonly command?: readonly string[];
  readonly healthcheck?: { readonly test: readonly unknown[] };
  readonly networks?: readonly string[];
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly depends_on?: Readonly<Record<string, object>>;
}
interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, object>>;
}

const run = promisify(execFile);
const DIR = join(ROOT, 'docs/samples/compose');
const text = readFileSync(join(DIR, 'compose.yaml'), 'utf8');
const env = readFileSync(join(DIR, '.env'), 'utf8');
const { services, volumes } = parse(text, { merge: true }) as Compose;
const serverOf = (name: string): Service => {
  const service = services[name];
  assert.ok(service, name);
  return service;
};

test('every variable has a value in .env, and .env has no others', () => {
  const used = new Set([...(text + env).matchAll(/(?<!\$)\$\{([A-Z_]+)/g)].map(([, name]) => name));
  const given = [...env.matchAll(/^([A-Z_]+)=/gm)].map(([, name]) => name ?? '');
  assert.deepEqual([...used].sort(), given.filter((name) => !name.startsWith('COMPOSE_')).sort());
});

test('stores have the images that the operator uses, and one address each', () => {
  const { nats, mongodb, redis, objectStorage } = STORE_IMAGES;
  assert.deepEqual(
    ['nats', 'mongodb', 'redis', 'objects'].map((name) => serverOf(name).image),
    [nats, mongodb, redis, objectStorage],
  );
});

test('what has no password is in the internal network alone, and publishes no port', () => {
  for (const name of ['nats', 'mongodb', 'redis']) {
    const { networks, ports } = serverOf(name);
    assert.deepEqual([networks, ports], [['stores'], undefined], name);
  }
});

test('every service that stays has a health check, and volumes that are declared or files that exist', () => {
  for (const [name, { healthcheck, volumes: mounts = [] }] of Object.entries(services)) {
    assert.equal(healthcheck !== undefined, name !== 'secrets', name);
    // A colon makes a map of a plain text.
    for (const word of healthcheck?.test ?? []) assert.equal(typeof word, 'string', name);
    for (const mount of mounts) {
      const [source = ''] = mount.split(':');
      if (source.startsWith('.')) assert.ok(statSync(join(DIR, source)).isFile(), mount);
      else assert.ok(source in volumes, mount);
    }
  }
});

test('all roles are served in both forms, and find each other', () => {
  const roles = Object.values(services).flatMap(({ profiles, command }) =>
    profiles?.includes('roles') ? [command?.[1]] : [],
  );
  assert.deepEqual(roles.sort(), ['api', 'cron', 'gateway', 'push', 'rpc', 'transfer']);
  assert.equal(serverOf('im').command?.[1], 'all');
  const addresses = Object.entries(DEFAULT_CONFIG.rpc.domains).map(([domain, { port }]) => [
    `OPENIM_RPC_DOMAINS_${domain.toUpperCase()}_ADDRESSES`,
    `dns:///rpc:${port}`,
  ]);
  assert.ok(addresses.length >= 7);
  assert.partialDeepStrictEqual(serverOf('api').environment, Object.fromEntries(addresses));
});

test('secrets are made once, and with them the config is valid', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'compose-'));
  t.after(() => rmSync(dir, { recursive: true }));
  const make = () =>
    run(process.execPath, [join(DIR, 'config/make-secrets.mjs')], { env: { SECRETS_DIR: dir } });
  const contents = () => readdirSync(dir).map((name) => [name, readFileSync(join(dir, name), 'utf8')]);
  await make();
  const made = contents();
  assert.equal(new Set(made.map(([, secret]) => secret)).size, 5);
  for (const [name = ''] of made) assert.equal(statSync(join(dir, name)).mode & 0o777, 0o400);
  await make();
  assert.deepEqual(contents(), made);

  const config = readFileSync(join(DIR, 'config/im.yaml'), 'utf8').replaceAll('/run/openim', dir);
  const path = join(dir, 'im.yaml');
  writeFileSync(path, config);
  const openimctl = join(ROOT, 'node_modules/.bin/openimctl');
  await run(process.execPath, [openimctl, 'config', 'check', path], {
    env: { OBJECTS_URL: 'http://localhost:8333' },
  });
});
