import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeRoutes } from '@im/api';
import { eachLimited } from '@im/kit';
import type { FieldLimit, MessageName } from '@im/protocol';
import { CONTENT, goodBody } from './good-body.ts';
import { startHttpServer } from './http-server.ts';

/** CPU of all domains, the edge, transfer and this client together, ms. */
const MS_PER_100_KB = 50;
/** What every entry of a list may take: it is read, changed, sent and stored as a message of its own. */
const MS_PER_ENTRY = 5;
/** Small requests, and pauses of the garbage collector. */
const FLOOR_MS = 150;

/** Entries of lists; the user's friends, conversations and the members of the group are as many. */
const ENTRIES = 250;
const GROUPS = 50;
const AT_ONCE = 8;
/** In the groups from here on there is no one but their owner. */
const EMPTY_GROUP = 2;

const USER_FIELD = /(?:[uU]serI[Dd]s?|IDList|recvIDs)$/;
const GROUP_FIELD = /^(?:groupI[Dd]s?|groupIDList)$/;

const range = (count: number) => Array.from({ length: count }, (_, n) => n);
const userID = (n: number) => `u${n + 2}`;

/** What a list has at place `n`; all entries differ. */
function numbered(field: string, n: number): unknown {
  if (GROUP_FIELD.test(field)) return `g${n}`;
  if (/^conversationI[Dd]s?$/.test(field)) return `si_u1_${userID(n)}`;
  if (USER_FIELD.test(field)) return userID(n);
  if (/seqs?$/i.test(field)) return n + 1;
  return undefined;
}

/** What a request needs beside long lists, to be done and not only refused. */
const OWN_FIELDS: Readonly<Record<string, object>> = {
  '/user/user_register': {
    users: range(ENTRIES).map((n) => ({ userID: `new${n}`, nickname: 'n', faceURL: '' })),
  },
  '/group/create_group': {
    adminUserIDs: [],
    memberUserIDs: range(ENTRIES).map(userID),
    groupInfo: { groupID: 'new', groupName: 'g', groupType: 2 },
  },
  '/group/invite_user_to_group': { groupID: `g${EMPTY_GROUP}`, invitedUserIDs: range(ENTRIES).map(userID) },
  '/group/kick_group': { groupID: `g${EMPTY_GROUP}`, kickedUserIDs: range(ENTRIES).map(userID) },
  '/group/dismiss_group': { groupID: 'g0', deleteMember: false },
  '/group/set_group_member_info': {
    members: range(ENTRIES).map((n) => ({ groupID: 'g0', userID: userID(n), nickname: 'n' })),
  },
  '/conversation/set_conversations': {
    userIDs: range(ENTRIES).map(userID),
    conversation: { conversationID: 'sg_g0', conversationType: 3, groupID: 'g0', recvMsgOpt: 1 },
  },
  '/conversation/delete_conversations': { needDeleteTime: 0 },
  '/msg/send_msg': { sendID: 'u1', recvID: 'u2', content: CONTENT },
  '/msg/batch_send_msg': {
    ...{ sendID: 'u1', recvIDs: range(ENTRIES).map(userID), isSendAll: false },
    ...{ sendTime: 0, content: CONTENT },
  },
  '/statistics/user/active': { start: 1_700_000_000_000, end: 1_800_000_000_000 },
  '/statistics/group/active': { start: 1_700_000_000_000, end: 1_800_000_000_000 },
};
/** What they take away is needed by the others. */
const LAST = [
  '/friend/update_friends',
  '/msg/delete_msg_physical',
  '/msg/clear_conversation_msg',
  '/msg/user_clear_all_msg',
  '/conversation/delete_conversations',
  '/group/kick_group',
  '/group/dismiss_group',
];

test('the largest lists of every route cost CPU in proportion to their length', async (t) => {
  await using server = await startHttpServer({ connections: AT_ONCE });
  const { ask, post } = server;
  const admin = await server.adminToken();
  const users = ['u1', ...range(ENTRIES).map(userID)];
  await ask('/user/user_register', admin, {
    users: users.map((id) => ({ userID: id, nickname: id, faceURL: '' })),
  });
  const others = users.slice(1);
  for (let n = 0; n < ENTRIES; n += 50) {
    await ask('/friend/import_friend', admin, { ownerUserID: 'u1', friendUserIDs: others.slice(n, n + 50) });
  }
  await eachLimited(range(GROUPS), AT_ONCE, async (n) => {
    await ask('/group/create_group', admin, {
      ownerUserID: 'u1',
      memberUserIDs: n === 0 ? others : [],
      groupInfo: { groupID: `g${n}`, groupName: 'g', groupType: 2 },
    });
  });
  const message = { sendID: 'u1', contentType: 101, sessionType: 1, content: CONTENT };
  await eachLimited(range(ENTRIES), AT_ONCE, async (n) => {
    await ask('/msg/send_msg', admin, { ...message, recvID: userID(n) });
  });

  const routes = describeRoutes().flatMap(({ route, requests: [name], bodyLimit }) => {
    const [method, path = ''] = route.split(' ');
    return method === 'POST' && name !== undefined ? [{ path, name: name as MessageName, bodyLimit }] : [];
  });
  const rank = ({ path }: { path: string }) => LAST.indexOf(path);
  routes.sort((a, b) => rank(a) - rank(b));
  const dear: string[] = [];
  let done = 0;
  for (const { path, name, bodyLimit } of routes) {
    const entriesOf = ({ entries = 0 }: FieldLimit) => Math.min(entries, ENTRIES);
    const body = JSON.stringify({ ...goodBody(name, { entriesOf, numbered }), ...OWN_FIELDS[path] });
    assert.ok(body.length <= bodyLimit, `${path}: ${body.length}`);
    const before = process.cpuUsage();
    const { text } = await post(path, admin, body);
    const { user, system } = process.cpuUsage(before);
    const { errCode } = JSON.parse(text) as { errCode: number };
    if (errCode === 0) done++;
    const ms = Math.round((user + system) / 1_000);
    const allowed =
      FLOOR_MS + ENTRIES * MS_PER_ENTRY + (MS_PER_100_KB * (body.length + text.length)) / 100_000;
    if (ms > allowed) dear.push(`${path}: ${ms} ms for ${body.length} bytes, of ${Math.round(allowed)}`);
  }
  t.diagnostic(`${done} of ${routes.length} requests were done, the others refused`);
  assert.deepEqual(dear, []);
  assert.ok(done > 80, String(done));
});
