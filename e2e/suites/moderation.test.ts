import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  type AdminClient,
  adminClient,
  banUser,
  deleteUser,
  getUserDeletion,
  listAudit,
  unbanUser,
} from '@im/admin-api';
import { ApiError, apiClient, connectWire } from '@im/client';
import { type Cluster, startCluster } from '@im/dev-cluster';
import { type SdkHost, SdkUser, startJsHost } from '@im/dev-sdk';
import { ERR } from '@im/protocol';
import { eventually } from './eventually.ts';

describe('moderation', () => {
  let cluster: Cluster;
  let sdks: SdkHost;
  let moderator: AdminClient;
  before(async () => {
    cluster = await startCluster({ topology: 'one' });
    sdks = startJsHost();
    const token = await cluster.admin('default').token();
    moderator = adminClient({ apiUrl: cluster.endpoint('default').api, token });
  });
  after(async () => {
    await sdks?.close();
    await cluster?.close();
  });

  let devices = 0;
  /** A new device of a user. */
  async function device(name: string): Promise<SdkUser> {
    return new SdkUser(name, await sdks.open(`default/${name}-${++devices}`));
  }
  async function login(name: string): Promise<SdkUser> {
    const user = await device(name);
    await user.login(
      cluster.endpoint('default'),
      await cluster.admin('default').userToken(name, user.platformID),
    );
    return user;
  }

  test('a banned SDK user is kicked and refused everywhere, and logs in again once the ban has ended', async () => {
    const admin = cluster.admin('default');
    await admin.ensureUsers(['ann', 'bob']);
    const endpoint = cluster.endpoint('default');
    const ann = await login('ann');
    const bob = await device('bob');
    const webToken = await admin.userToken('bob', bob.platformID);
    await bob.login(endpoint, webToken);
    const phoneToken = await admin.userToken('bob', 2);
    const phoneKicked = Promise.withResolvers<void>();
    const dial = () =>
      connectWire(
        { ws: endpoint.ws, userID: 'bob', token: phoneToken, platformID: 2 },
        { kicked: () => phoneKicked.resolve() },
      );
    await dial();

    const params = { userID: 'bob' };
    const since = bob.events.mark();
    await moderator.call(banUser, { params, body: { reason: 'spam' } });
    await bob.events.wait('OnKickedOffline', undefined, { since });
    await phoneKicked.promise;

    const isBanned = (error: unknown) =>
      error instanceof ApiError &&
      error.code === ERR.UserBannedError &&
      error.detail === 'the user is banned: spam';
    await assert.rejects(admin.userToken('bob', 5), isBanned);
    const http = apiClient(endpoint.api);
    await assert.rejects(
      http.call('/user/get_users_info', { userIDs: ['bob'] }, { token: phoneToken }),
      isBanned,
    );
    http.close();
    // Gateways say it with a code at which SDKs end the login instead of dialling again.
    await assert.rejects(dial(), { code: ERR.TokenKickedError });
    const refused = await device('bob');
    await assert.rejects(refused.login(endpoint, webToken), /OnKickedOffline|1506/);

    await moderator.call(unbanUser, { params, query: { reason: 'sorry' } });
    const back = await login('bob');
    await ann.sendText({ user: 'bob' }, 'welcome back');
    await back.received('welcome back');

    const { records } = await moderator.call(listAudit, { query: { targetKind: 'user', targetID: 'bob' } });
    assert.deepEqual(
      records.map(({ act, outcome, reason, adminID }) => [act, outcome, reason, adminID]),
      [
        ['user.unban', 'done', 'sorry', 'imAdmin'],
        ['user.ban', 'done', 'spam', 'imAdmin'],
      ],
    );
  });

  test('a deleted account is gone for its friend, its groups and its messages', async () => {
    const admin = cluster.admin('default');
    await admin.ensureUsers(['amy', 'dan', 'eli']);
    const [amy, dan] = [await login('amy'), await login('dan')];
    await admin.call('/friend/import_friend', { ownerUserID: 'dan', friendUserIDs: ['amy', 'eli'] });
    await eventually(async () => assert.ok((await amy.friends()).some(({ userID }) => userID === 'dan')));
    const { groupID } = await dan.createGroup('of dan', ['amy', 'eli']);
    await dan.sendText({ user: 'amy' }, 'a secret');
    const { seq } = await amy.received('a secret');
    await amy.sendText({ user: 'dan' }, 'an answer');

    const params = { userID: 'dan' };
    const since = { amy: amy.events.mark(), dan: dan.events.mark() };
    await moderator.call(deleteUser, { params, body: { erase: true, reason: 'asked for it' } });
    await dan.events.wait('OnKickedOffline', undefined, { since: since.dan });
    await eventually(async () => {
      const { deletion } = await moderator.call(getUserDeletion, { params });
      assert.equal(deletion.state, 'done', JSON.stringify(deletion));
    });

    await amy.events.wait('OnFriendDeleted', undefined, { since: since.amy });
    assert.deepEqual(await amy.friends(), []);
    await eventually(async () => {
      const members = await amy.groupMembers(groupID);
      assert.deepEqual(
        members.map(({ userID, roleLevel }) => [userID, roleLevel]),
        [
          ['amy', 100],
          ['eli', 20],
        ],
      );
    });
    const { usersInfo } = await admin.call<{ usersInfo: unknown }>('/user/get_users_info', {
      userIDs: ['dan'],
    });
    assert.equal(usersInfo, null);
    await assert.rejects(admin.userToken('dan', 5), { code: ERR.RecordNotFoundError });
    const again = { users: [{ userID: 'dan', nickname: 'dan' }] };
    await assert.rejects(admin.call('/user/user_register', again), { code: ERR.RegisteredAlreadyError });

    const conversationID = amy.conversationID({ user: 'dan' });
    const { msgs } = await admin.call<{
      msgs: Record<string, { Msgs: { content: string; sendID: string }[] }>;
    }>('/msg/pull_msg_by_seq', {
      userID: 'amy',
      seqRanges: [{ conversationID, begin: 1, end: seq + 1, num: 10 }],
    });
    const texts = (msgs[conversationID]?.Msgs ?? []).map(({ content }) =>
      Buffer.from(content, 'base64').toString(),
    );
    assert.ok(
      texts.some((text) => text.includes('an answer')),
      String(texts),
    );
    assert.ok(!texts.some((text) => text.includes('a secret')), String(texts));
  });
});
