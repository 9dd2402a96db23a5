import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkTenants } from '@im/contract';
import { parseVersion, updateFor, versionText, wantedTenants } from './wanted.ts';

const secrets = (...ids: string[]) =>
  Object.fromEntries(
    ids.flatMap((id) => [
      [`${id}.token-secret`, `t-${id}`],
      [`${id}.admin-secret`, `a-${id}`],
    ]),
  );
const keys = secrets('a', 'b', 'c');

test('the revision rises with every change and never goes back', () => {
  const first = wantedTenants([{ id: 'a' }], keys, undefined, 1_000);
  assert.equal(first.revision, 1_000);
  assert.equal(wantedTenants([{ id: 'a' }], keys, first, 2_000).revision, 1_000);
  assert.equal(wantedTenants([{ id: 'a' }, { id: 'b' }], keys, first, 2_000).revision, 2_000);
  // The clock of another operator is behind.
  assert.equal(wantedTenants([{ id: 'b' }], keys, first, 500).revision, 1_001);
  assert.deepEqual(parseVersion(versionText(first)), { revision: first.revision, digest: first.digest });
  assert.equal(parseVersion('7'), undefined);
});

test('an update holds what differs, and nothing else', () => {
  const before = wantedTenants([{ id: 'a' }, { id: 'b' }], keys, undefined, 1);
  const after = wantedTenants([{ id: 'a' }, { id: 'b', suspended: true }, { id: 'c' }], keys, before, 2);
  assert.deepEqual(updateFor(after, before.hashes), {
    revision: 2,
    digest: after.digest,
    put: [
      { id: 'b', suspended: true, tokenSecret: 't-b', adminSecret: 'a-b' },
      { id: 'c', tokenSecret: 't-c', adminSecret: 'a-c' },
    ],
    remove: [],
  });
  assert.deepEqual(updateFor(before, after.hashes).remove, ['c']);
});

test('hashes are those that processes compute of the config file', () => {
  const { entries, hashes } = wantedTenants([{ id: 'a', quotas: { users: 1 } }], keys, undefined, 1);
  const read = [...entries.values()].map((entry) => JSON.parse(JSON.stringify(entry)));
  assert.deepEqual(checkTenants(read).hashes, hashes);
});
