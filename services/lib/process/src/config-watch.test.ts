import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readStartConfig } from './config-load.ts';
import { type ConfigTarget, watchConfigFile } from './config-watch.ts';
import { silentLogger } from './log.ts';
import { createMetrics } from './metrics.ts';

const tenants = (...ids: readonly string[]) =>
  ids.map((id) => ({ id, tokenSecret: `${id} token`, adminSecret: `${id} admin` }));
const shard = (revision: number, ...ids: readonly string[]) =>
  JSON.stringify({ revision, tenants: tenants(...ids) });

test('tenants in files are taken over when all files are those of the index', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'im-watch-'));
  const write = (name: string, text: string) => writeFile(join(dir, name), text);
  const index = (revision: number, files: Record<string, number>) =>
    write('index.json', JSON.stringify({ revision, files }));
  await write('im.yaml', `tenantsDir: ${dir}`);
  await write('00.json', shard(1, 'a', 'b'));
  await write('01.json', shard(2, 'c'));
  await index(2, { '00.json': 1, '01.json': 2 });
  const source = { file: join(dir, 'im.yaml'), env: {} };
  const started = await readStartConfig(source);
  let look = async () => {};
  const taken: [number, string][] = [];
  const errors: unknown[] = [];
  const target: ConfigTarget = {
    log: { ...silentLogger, info() {}, warn() {}, error: (fields: unknown) => errors.push(fields) } as never,
    metrics: createMetrics(),
    every: (_name, _ms, work) => {
      look = work;
    },
    reconfigure({ tenantsRevision, tenants: list }) {
      taken.push([tenantsRevision, list.map(({ id }) => id).join(' ')]);
      return [];
    },
  };
  watchConfigFile(target, source, started);
  await look();
  assert.deepEqual(taken, [], 'nothing has changed');

  // A kubelet refreshes one file after the other.
  await write('00.json', shard(5, 'a'));
  await look();
  await index(5, { '00.json': 5, '01.json': 4 });
  await look();
  assert.deepEqual(taken, [], 'b would be removed and c served by old settings');
  await write('01.json', shard(4, 'c', 'd'));
  await look();
  assert.deepEqual(taken, [[5, 'a c d']]);
  await look();
  assert.equal(taken.length, 1);
  assert.deepEqual(errors, []);

  // What does not come to match is reported.
  await index(6, { '00.json': 6, '01.json': 4 });
  for (let i = 0; i < 100; i++) await look();
  assert.equal(errors.length, 1);
  assert.equal(taken.length, 1);
  await rm(dir, { recursive: true });
});
