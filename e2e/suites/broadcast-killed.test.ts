import assert from 'node:assert/strict';
import { test } from 'node:test';
import { adminClient, getBroadcast, searchMessages, startBroadcast } from '@im/admin-api';
import { startCluster, testTenant } from '@im/dev-cluster';
import { eachLimited } from '@im/kit';
import { eventually } from './eventually.ts';

const USERS = 60;
const AT_ONCE = 8;
/** At half of it, the broadcast takes long enough to be interrupted. */
const PER_SECOND = 6;
/** What a dead process had in hand is gone on with after a minute. */
const LONG_MS = 240_000;

test('a broadcast goes on when the process that sends it is killed, and each user has it once', async () => {
  await using cluster = await startCluster({
    topology: 'many',
    tenants: [testTenant('default', { quotas: { messagesPerSecond: PER_SECOND } })],
  });
  const people = Array.from({ length: USERS }, (_, n) => `u${n}`);
  await cluster.admin('default').ensureUsers(['desk', ...people]);
  const admin = adminClient({
    apiUrl: cluster.endpoint('default').api,
    token: await cluster.admin('default').token(),
  });
  const body = { broadcastID: 'news', senderID: 'desk', text: 'Maintenance at 10' };
  await admin.call(startBroadcast, { body });
  const progress = async () =>
    (await admin.call(getBroadcast, { params: { broadcastID: 'news' } })).broadcast;

  // Either has it in hand: one after the other is killed in its middle.
  let before = 0;
  for (const name of ['rpc-1', 'rpc-2']) {
    await eventually(async () => assert.ok((await progress()).sent > before), LONG_MS);
    await cluster.process(name).kill();
    before = await eventually(async () => (await progress()).sent, LONG_MS);
    assert.ok(before < USERS, 'killed in the middle');
    cluster.process(name).start();
    await cluster.process(name).untilReady();
  }
  await eventually(async () => assert.equal((await progress()).state, 'done'), LONG_MS);
  const { total, sent, failed, skipped } = await progress();
  assert.deepEqual(
    { sent, failed, skipped },
    { sent: total - 1, failed: 0, skipped: 1 },
    'all but the sender',
  );

  const copies = new Map<string, number>();
  await eachLimited(people, AT_ONCE, async (recvID) => {
    const query = { sendID: 'desk', recvID, reason: 'test' };
    await eventually(async () => {
      const { messages } = await admin.call(searchMessages, { query });
      copies.set(recvID, messages.length);
      assert.ok(messages.length > 0);
    });
  });
  assert.deepEqual(
    [...copies].filter(([, count]) => count !== 1),
    [],
  );
});
