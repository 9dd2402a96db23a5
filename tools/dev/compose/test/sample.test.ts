import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { runCommand } from '@im/dev-stores';
import { installCompose } from '../src/index.ts';

const SAMPLE = join(import.meta.dirname, '../../../../docs/samples/compose');
/** Compiles docker-compose. */
const SKIPPED = process.env.FULL === '1' ? false : 'needs FULL=1';
const COMPILE_MS = 2_000_000;
const STORES = ['mongodb', 'nats', 'objects', 'redis', 'secrets'];
/** What each profile adds to the stores. */
const PROFILES: Readonly<Record<string, readonly string[]>> = {
  one: ['im'],
  roles: ['api', 'cron', 'gateway', 'push', 'rpc', 'transfer'],
};

let dir: string;
before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'openim-compose-'));
  await cp(SAMPLE, dir, { recursive: true });
});
after(() => rm(dir, { recursive: true, force: true }));

interface Resolved {
  readonly services: Readonly<Record<string, { readonly image: string; readonly environment?: object }>>;
}

test('docker-compose accepts the sample with each profile, and names what is wrong with a changed one', {
  skip: SKIPPED,
  timeout: COMPILE_MS,
}, async () => {
  const compose = await installCompose();
  const config = async (...profiles: string[]): Promise<Resolved> => {
    const chosen = profiles.flatMap((profile) => ['--profile', profile]);
    const env = { PATH: process.env.PATH ?? '', HOME: dir, COMPOSE_PROFILES: '' };
    return JSON.parse(
      await runCommand(compose, [...chosen, 'config', '--format', 'json'], { cwd: dir, env }),
    );
  };
  for (const [profile, services] of Object.entries(PROFILES)) {
    const found = await config(profile);
    assert.deepEqual(Object.keys(found.services).sort(), [...STORES, ...services].sort(), profile);
    for (const [name, { image }] of Object.entries(found.services)) {
      assert.notEqual(image, '', name);
      assert.ok(
        !JSON.stringify(found.services[name]).includes('${'),
        `${name} has a variable without a value`,
      );
    }
  }
  const monitored = await config('one', 'monitoring');
  assert.ok(Object.keys(monitored.services).length > STORES.length + 1);
  const file = join(dir, 'compose.yaml');
  const text = await readFile(file, 'utf8');
  await writeFile(file, text.replace('stop_grace_period:', 'stop_grace:'));
  await assert.rejects(config('one'), /stop_grace/);
});
