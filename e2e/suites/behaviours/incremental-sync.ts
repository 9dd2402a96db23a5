import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { type RecordedCall, startRecordingProxy, startTcpProxy } from '@im/dev-cluster';
import type { SdkUser } from '@im/dev-sdk';
import { eventually } from '../eventually.ts';
import { type Behaviour, type Fixture, freshText } from '../fixture.ts';

/** What incremental answers have in common. */
interface Delta {
  readonly full: boolean;
  readonly insert: readonly unknown[] | null;
  readonly update: readonly unknown[] | null;
  readonly delete: readonly unknown[] | null;
}

const FRIENDS = '/friend/get_incremental_friends';
const CONVERSATIONS = '/conversation/get_incremental_conversations';
const MEMBERS = '/group/get_incremental_group_members_batch';
const FULL_LISTS = [
  '/friend/get_friend_list',
  '/group/get_group_member_list',
  '/conversation/get_owner_conversation',
  '/conversation/get_all_conversations',
];
/** The JS SDK redials after 5 s. */
const RESYNC_MS = 90_000;

/** The wasm SDK leaves out a synchronization that follows another within 5 s. */
const WASM_SYNC_PAUSE_MS = 6_000;
/** Longer than what an SDK does after its synchronization. */
const SETTLE_MS = 1_000;

/**
 * The wasm SDK keeps its data over a logout; the JS SDK only in memory, over a lost connection. So the
 * one logs out and in, and the other's connection is cut.
 */
export const incrementalSync: Behaviour = {
  name: 'after one friend, member and conversation change, synchronizing transfers only the deltas',
  async run(fixture) {
    const { bob, carol, cluster, tenant } = fixture;
    const admin = cluster.admin(tenant);
    const real = cluster.endpoint(tenant);
    await using http = await startRecordingProxy(real.api);
    const wsURL = new URL(real.ws);
    await using relay = await startTcpProxy(Number(wsURL.port));
    wsURL.port = String(relay.port);
    const endpoint = { api: http.url, ws: wsURL.toString().replace(/\/$/, '') };
    const dave = await fixture.newcomer('dave');
    const login = async () => {
      await dave.login(endpoint, await admin.userToken(dave.userID, dave.platformID));
    };

    await login();
    const friendUserIDs = [bob.userID, carol.userID];
    await admin.call('/friend/import_friend', { ownerUserID: dave.userID, friendUserIDs });
    const { groupID } = await dave.createGroup(freshText('sync'), friendUserIDs);
    for (const friend of [bob, carol]) await dave.sendText({ user: friend.userID }, freshText('hello'));
    await eventually(async () => {
      assert.equal((await dave.friends()).length, 2);
      assert.ok((await dave.conversations()).length >= 3);
    });
    // The local data is from notifications; a second synchronization makes it current.
    const settled = dave.events.mark();
    await goAway(dave, relay.cut);
    await comeBack(dave, settled, login);
    await sleep(SETTLE_MS);

    http.clear();
    const since = dave.events.mark();
    await goAway(dave, relay.cut);
    await changeOneOfEach(fixture, dave, groupID);
    await comeBack(dave, since, login);
    const deltas = await eventually(() => readDeltas(http.calls, groupID), RESYNC_MS);
    assert.deepEqual(deltas, {
      friends: { full: false, changed: 1 },
      conversations: { full: false, changed: 1 },
      members: { full: false, changed: 1 },
    });
    const full = http.calls.filter((call) => FULL_LISTS.includes(call.route)).map((call) => call.route);
    assert.deepEqual(full, [], 'no full list is read');
    await dave.logout();
    await dave.close();
  },
};

async function goAway(user: SdkUser, cut: () => number): Promise<void> {
  if (user.kind === 'wasm') {
    await user.logout();
    await sleep(WASM_SYNC_PAUSE_MS);
  } else {
    assert.ok(cut() > 0, 'the connection went through the relay');
  }
}

/** Made from outside, while the user is away. */
async function changeOneOfEach(
  { cluster, tenant, bob, carol }: Fixture,
  user: SdkUser,
  groupID: string,
): Promise<void> {
  const admin = cluster.admin(tenant);
  await admin.call('/friend/update_friends', {
    ownerUserID: user.userID,
    friendUserIDs: [bob.userID],
    remark: freshText('remark'),
  });
  await admin.call('/group/set_group_member_info', {
    members: [{ groupID, userID: carol.userID, nickname: freshText('nickname') }],
  });
  await admin.call('/conversation/set_conversations', {
    userIDs: [user.userID],
    conversation: {
      conversationID: user.conversationID({ user: bob.userID }),
      conversationType: 1,
      userID: bob.userID,
      isPinned: true,
    },
  });
}

async function comeBack(user: SdkUser, since: number, login: () => Promise<void>): Promise<void> {
  if (user.kind === 'wasm') await login();
  else await user.events.wait('OnSyncServerFinish', undefined, { since, timeoutMs: RESYNC_MS });
}

function readDeltas(calls: readonly RecordedCall[], groupID: string) {
  const answer = (route: string): Record<string, unknown> => {
    const call = calls.find((each) => each.route === route);
    assert.ok(call, `${route} was not called; called were ${calls.map((each) => each.route).join(', ')}`);
    return (call.response as { data: Record<string, unknown> }).data;
  };
  const members = (answer(MEMBERS).respList as Record<string, Delta> | undefined)?.[groupID];
  return {
    friends: summary(answer(FRIENDS) as unknown as Delta),
    conversations: summary(answer(CONVERSATIONS) as unknown as Delta),
    members: summary(members),
  };
}

function summary(delta: Delta | undefined): { full: boolean; changed: number } {
  assert.ok(delta, 'the answer has the delta');
  const changed = [delta.insert, delta.update, delta.delete].reduce(
    (sum, list) => sum + (list?.length ?? 0),
    0,
  );
  return { full: delta.full, changed };
}
