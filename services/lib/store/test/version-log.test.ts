import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { deleted, INFO_ENTRY, inserted, SORT_ENTRY, updated, versionLogs } from '../src/index.ts';
import { DEDICATED, openStore, SHARED, startServers, type TestStore, untilReady } from './harness.ts';

let servers: Awaited<ReturnType<typeof startServers>>;
let opened: TestStore;

before(async () => {
  servers = await startServers();
  opened = await openStore(servers.uris);
  await untilReady(opened.store);
});
after(async () => {
  await opened?.[Symbol.asyncDispose]();
  await servers?.stop();
});

const START = { versionID: '', version: 0 };
const sorted = (ids: readonly string[]) => [...ids].sort();

for (const [placement, [one, two]] of [
  ['Shared', SHARED],
  ['Dedicated', DEDICATED],
] as const) {
  describe(placement, () => {
    test('the first write makes version 1, the first read of a missing log an empty one at version 1', async () => {
      const logs = versionLogs(opened.store, 'friend');
      const written = await logs.write(one, 'w', inserted('a'));
      assert.equal(written.version, 1);
      assert.match(written.versionID, /^[0-9a-f]{24}$/);
      const read = await logs.stamp(one, 'r');
      assert.equal(read.version, 1);
      assert.deepEqual(await logs.stamp(one, 'r'), read);
      assert.equal((await logs.write(one, 'r', inserted('a'))).version, 2);
    });

    test('twenty writers at once: twenty versions, and no writer is missing', async () => {
      const logs = versionLogs(opened.store, 'groupMember');
      const base = await logs.stamp(one, 'busy');
      const stamps = await Promise.all(
        Array.from({ length: 20 }, (_, i) => logs.write(one, 'busy', inserted(`u${i}`))),
      );
      assert.deepEqual(
        stamps.map(({ version }) => version).sort((a, b) => a - b),
        Array.from({ length: 20 }, (_, i) => i + 2),
      );
      assert.equal(new Set(stamps.map(({ versionID }) => versionID)).size, 1);
      const delta = await logs.since(one, 'busy', base);
      assert.equal(delta.full, false);
      assert.deepEqual(sorted(delta.insert), sorted(stamps.map((_, i) => `u${i}`)));
      const partial = await logs.since(one, 'busy', { ...base, version: 11 });
      assert.equal(partial.insert.length, 10);
    });

    test('twenty first writers at once make one log', async () => {
      const logs = versionLogs(opened.store, 'groupJoin');
      await Promise.all(
        Array.from({ length: 20 }, (_, i) =>
          logs.writeMany(one, [{ owner: 'new', changes: [inserted(`g${i}`)] }]),
        ),
      );
      const { version } = await logs.stamp(one, 'new');
      assert.equal(version, 20);
    });

    test('a later change of an id replaces the earlier one', async () => {
      const logs = versionLogs(opened.store, 'groupMember');
      const base = await logs.stamp(one, 'g');
      await logs.write(one, 'g', inserted('a', 'b', '$c'));
      await logs.write(one, 'g', updated('b'), updated(SORT_ENTRY));
      const { version } = await logs.write(one, 'g', deleted('a'), updated(INFO_ENTRY));
      const delta = await logs.since(one, 'g', base);
      assert.deepEqual(
        [delta.insert, delta.update, delta.delete, delta.sortVersion, delta.infoChanged, delta.stamp.version],
        [['$c'], ['b'], ['a'], version - 1, true, version],
      );
    });

    test('a client that is behind by more than 200 entries starts over, however the log was cut', async () => {
      const logs = versionLogs(opened.store, 'conversation');
      const base = await logs.stamp(one, 'far');
      const ids = Array.from({ length: 1_000 }, (_, i) => `c${i}`);
      const bulk = await logs.write(one, 'far', inserted(...ids));
      assert.equal((await logs.since(one, 'far', base)).full, true);
      await logs.write(one, 'far', updated('c999', 'c998'));
      assert.equal((await logs.since(one, 'far', base)).full, true);
      const near = await logs.since(one, 'far', bulk);
      assert.deepEqual([near.full, sorted(near.update)], [false, ['c998', 'c999']]);
      assert.equal((await logs.since(one, 'far', START)).full, true);
    });

    test('a dropped log comes back with another identity', async () => {
      const logs = versionLogs(opened.store, 'groupMember');
      const before = await logs.write(one, 'dropped', inserted('a'));
      await logs.drop(one, 'dropped');
      const delta = await logs.since(one, 'dropped', before);
      assert.equal(delta.full, true);
      assert.notEqual(delta.stamp.versionID, before.versionID);
    });

    test('many logs in one go, and the same owner in two tenants', async () => {
      const logs = versionLogs(opened.store, 'groupMember');
      const first = await logs.stamps(one, ['m1', 'm2', 'm3']);
      await logs.writeMany(one, [
        { owner: 'm1', changes: [inserted('a')] },
        { owner: 'm2', changes: [deleted('b')] },
      ]);
      const known = new Map([...first, ['m4', START]]);
      const deltas = await logs.sinceMany(one, known);
      assert.deepEqual(
        [...deltas].map(([owner, { full, insert, delete: gone }]) => [owner, full, insert, gone]).sort(),
        [
          ['m1', false, ['a'], []],
          ['m2', false, [], ['b']],
          ['m3', false, [], []],
          ['m4', true, [], []],
        ],
      );
      const other = await logs.stamp(two, 'm1');
      assert.equal(other.version, 1);
      assert.notEqual(other.versionID, first.get('m1')?.versionID);
    });
  });
}
