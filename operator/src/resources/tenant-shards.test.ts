import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TenantFile } from '@im/contract';
import { tenantsFile } from './config.ts';
import { entriesIn, indexIn, type ObservedShards, type Shard, shardObjects } from './tenant-shards.ts';

const NOTHING: ObservedShards = { index: undefined, files: new Map(), secrets: new Map() };
const KEY = 'b.webhooks.secret';
const shards: readonly Shard[] = [
  { entries: [{ id: 'a', adminUserIDs: ['x'] }], secrets: {} },
  { entries: [], secrets: {} },
  {
    entries: [{ id: 'b', adminUserIDs: ['x'], webhooks: { secret: tenantsFile(KEY) } }],
    secrets: { [KEY]: 's' },
  },
];

test('a change of one tenant writes its shard and the index alone', () => {
  const first = shardObjects(shards, 5, NOTHING);
  assert.deepEqual(indexIn({ 'index.json': first.index }), {
    revision: 5,
    files: { '00.json': 5, '02.json': 5 },
  });
  assert.deepEqual([...first.files.keys()], [0, 2], 'an empty shard does not exist');
  assert.deepEqual(entriesIn(first.files.get(0) ?? ''), [{ id: 'a', adminUserIDs: ['x'] }]);
  assert.ok(TenantFile.parse(JSON.parse(first.files.get(2) ?? '')), 'the services can read it');
  assert.ok(first.files.get(0)?.includes('a.token-secret'), 'its keys are referred to');

  const changed = [{ entries: [{ id: 'a', adminUserIDs: ['y'] }], secrets: {} }, ...shards.slice(1)];
  const second = shardObjects(changed, 9, { ...NOTHING, files: first.files, secrets: first.secrets });
  assert.equal(second.files.get(2), first.files.get(2));
  assert.notEqual(second.files.get(0), first.files.get(0));
  assert.deepEqual(indexIn({ 'index.json': second.index }), {
    revision: 9,
    files: { '00.json': 9, '02.json': 5 },
  });
  const third = shardObjects(changed, 9, { ...NOTHING, files: second.files, secrets: second.secrets });
  assert.deepEqual(third, second, 'the same again changes nothing');
});

test('credentials stay until no file names them', () => {
  const { files, secrets } = shardObjects(shards, 5, NOTHING);
  const without = [...shards.slice(0, 2), { entries: [], secrets: {} }];
  const next = shardObjects(without, 6, { index: undefined, files, secrets });
  assert.deepEqual(next.secrets.get(2), { [KEY]: 's' });
  const last = shardObjects(without, 6, { index: undefined, files: next.files, secrets: next.secrets });
  assert.equal(last.secrets.size, 0);
});

test('what is not an index or a file of this version is none', () => {
  assert.equal(indexIn({ 'index.json': '{"revision":1,"files":{"../x":1}}' }), undefined);
  assert.equal(indexIn(undefined), undefined);
  assert.deepEqual(entriesIn('{'), []);
});
