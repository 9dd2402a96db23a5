import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { decode, encode, type group, type log, make, REQ } from '@im/protocol';
import { Client, until } from './client.ts';
import { startGateway, type TestGateway } from './start-gateway.ts';

const msgData = (text: string) =>
  Buffer.from(encode('sdkws.MsgData', make('sdkws.MsgData', { content: Buffer.from(text) })));

interface Scene extends AsyncDisposable {
  readonly gateway: TestGateway;
  readonly clients: Record<string, Client>;
  /** Delivers to group g1. */
  toGroup(text: string, fields?: Partial<log.Delivery>): void;
  /** Delivers the copy of a membership change to one user. */
  toUser(userID: string, text: string, fields: Partial<log.Delivery>): boolean;
  /** What each client got so far. */
  got(): Promise<Record<string, string[]>>;
}

/** u1 and u2 are members of g1, u3 isn't; all are connected. */
async function scene({ version = 0 } = {}): Promise<Scene> {
  const gateway = await startGateway();
  gateway.rpc.answers.set('group.getJoinedGroupIDs', (_ctx, { userID }: group.GetJoinedGroupIDsReq) =>
    userID === 'u3'
      ? make('group.GetJoinedGroupIDsResp')
      : make('group.GetJoinedGroupIDsResp', { groupIDs: ['g1'], memberVersions: [version] }),
  );
  const clients: Record<string, Client> = {};
  const catchUp = (userID: string, client: Client) =>
    client.request(REQ.GetNewestSeq, 'sdkws.GetMaxSeqReq', make('sdkws.GetMaxSeqReq', { userID }));
  for (const userID of ['u1', 'u2', 'u3']) {
    const client = await Client.connect(gateway.port, { userID });
    await catchUp(userID, client);
    clients[userID] = client;
  }
  return {
    gateway,
    clients,
    toGroup(text, fields = {}) {
      gateway.feed.deliver({
        targetGroupID: 'g1',
        conversationID: 'sg_g1',
        msgData: msgData(text),
        ...fields,
      });
    },
    toUser: (userID, text, fields) =>
      gateway.feed.deliver({
        targetUserID: userID,
        conversationID: 'sg_g1',
        msgData: msgData(text),
        ...fields,
      }),
    async got() {
      await sleep(60);
      // An answer comes behind all that was written before it, however slow the machine is.
      await Promise.all(Object.entries(clients).map(([userID, client]) => catchUp(userID, client)));
      return Object.fromEntries(
        Object.entries(clients).map(([userID, client]) => [
          userID,
          client.left.map((frame) => {
            const { msgs } = decode('sdkws.PushMessages', frame.data ?? Buffer.alloc(0));
            return Buffer.from(msgs.sg_g1?.Msgs[0]?.content ?? []).toString();
          }),
        ]),
      );
    },
    async [Symbol.asyncDispose]() {
      for (const client of Object.values(clients)) client[Symbol.dispose]();
      await gateway[Symbol.asyncDispose]();
    },
  };
}

test('an added user gets the message that says so, once, and what follows', async () => {
  for (const groupFirst of [true, false]) {
    await using s = await scene();
    s.toGroup('before');
    const change = { addedUserIDs: ['u3'], memberVersion: 1, position: 100 };
    if (groupFirst) s.toGroup('joined', change);
    assert.ok(s.toUser('u3', 'joined', change));
    if (!groupFirst) s.toGroup('joined', change);
    s.toGroup('after', { memberVersion: 1 });
    assert.deepEqual(await s.got(), {
      u1: ['before', 'joined', 'after'],
      u2: ['before', 'joined', 'after'],
      u3: ['joined', 'after'],
    });
  }
});

test('a removed user gets the message that says so, once, and nothing after it', async () => {
  for (const groupFirst of [true, false]) {
    await using s = await scene();
    const change = { removedUserIDs: ['u2'], memberVersion: 1, position: 100 };
    if (groupFirst) s.toGroup('left', change);
    s.toUser('u2', 'left', change);
    if (!groupFirst) s.toGroup('left', change);
    s.toGroup('after', { memberVersion: 1 });
    assert.deepEqual(await s.got(), { u1: ['left', 'after'], u2: ['left'], u3: [] });
  }
});

test('both entries of one record reach those removed, by either way', async () => {
  await using s = await scene();
  const change = { removedUserIDs: ['u1', 'u2'], memberVersion: 1, position: 100 };
  for (const entry of [0, 1]) {
    s.toGroup(`e${entry}`, { ...change, entry });
    for (const userID of ['u1', 'u2']) s.toUser(userID, `e${entry}`, { ...change, entry });
  }
  s.toGroup('after', { memberVersion: 1 });
  assert.deepEqual(await s.got(), { u1: ['e0', 'e1'], u2: ['e0', 'e1'], u3: [] });
  assert.ok(!s.gateway.feed.targets.has('default g g1'), 'nobody here is in the group any more');
});

test('a user added to a group without local users makes the gateway subscribe to it', async () => {
  await using s = await scene();
  const place = { position: 100, logTime: 1_700_000_000_000 };
  const change = { addedUserIDs: ['u3'], conversationID: 'sg_new', memberVersion: 1, ...place };
  assert.ok(!s.gateway.feed.deliver({ targetGroupID: 'new', ...change }));
  assert.ok(s.toUser('u3', 'created', change));
  assert.ok(s.gateway.feed.deliver({ targetGroupID: 'new', conversationID: 'sg_new', memberVersion: 1 }));
  await until(() => s.clients.u3?.left.length === 2);
  assert.equal(await s.gateway.metric('openim_gateway_membership_rereads_total'), 0);
  assert.deepEqual(s.gateway.feed.joined, [{ position: 100, timeMs: place.logTime }]);
});

test('while a joined group is caught up on, those who come and go do so among its messages', async () => {
  await using s = await scene();
  s.gateway.feed.catchesUp = true;
  const place = (position: number, version: number) => ({
    conversationID: 'sg_new',
    position,
    memberVersion: version,
    memberVersionBefore: version - 1,
  });
  const toGroup = (text: string, fields: Partial<log.Delivery>) =>
    s.gateway.feed.deliver({ targetGroupID: 'new', msgData: msgData(text), ...fields });
  const say = (text: string, position: number, memberVersion: number) =>
    toGroup(text, { conversationID: 'sg_g1', position, memberVersion });
  // u3 comes, u1 comes, u3 is kicked: their own copies are here long before the group's.
  const u3In = { ...place(10, 1), addedUserIDs: ['u3'] };
  const u1In = { ...place(30, 2), addedUserIDs: ['u1'] };
  const u3Out = { ...place(50, 3), removedUserIDs: ['u3'] };
  s.toUser('u3', '', u3In);
  s.toUser('u1', '', u1In);
  s.toUser('u3', '', u3Out);
  assert.ok(say('m20', 20, 1), 'the gateway still listens');
  toGroup('', u1In);
  say('m40', 40, 2);
  toGroup('', u3Out);
  say('m60', 60, 3);
  s.gateway.feed.caughtUp('default', 'new');
  const got = await s.got();
  const texts = (userID: string) => got[userID]?.filter((text) => text !== '');
  assert.deepEqual([texts('u3'), texts('u1'), texts('u2')], [['m20', 'm40'], ['m40', 'm60'], []]);
  // Each change once: u3's coming, u1's coming, u3's going.
  assert.deepEqual([got.u3?.length, got.u1?.length], [5, 4]);
  assert.equal(await s.gateway.metric('openim_gateway_membership_held_bytes'), 0);
});

test('a copy that waited for a group without local users any more counts then', async () => {
  await using s = await scene();
  s.gateway.feed.catchesUp = true;
  const place = { conversationID: 'sg_new', memberVersion: 1 };
  s.toUser('u3', 'u3 in', { ...place, addedUserIDs: ['u3'], position: 10 });
  s.toUser('u1', 'u1 in', { ...place, addedUserIDs: ['u1'], position: 20, memberVersion: 2 });
  s.clients.u3?.[Symbol.dispose]();
  await until(() => s.gateway.feed.joined.length === 2);
  assert.equal(s.gateway.feed.joined[1]?.position, 20);
  assert.ok(s.gateway.feed.targets.has('default g new'));
});

/** A group domain that knows these versions and members of g1, and answers when `gate` lets it. */
function groupDomain(
  s: Scene,
  members: () => { version: number; members: readonly string[]; changed: readonly string[] | 'all' },
  gate: Promise<void> = Promise.resolve(),
): group.GetMembershipReq[] {
  const asked: group.GetMembershipReq[] = [];
  s.gateway.rpc.answers.set('group.getMembership', async (_ctx, request: group.GetMembershipReq) => {
    asked.push(request);
    await gate;
    const { version, members: now, changed } = members();
    const full = request.sinceVersion > 0 && changed === 'all';
    const changedUserIDs = request.sinceVersion > 0 && changed !== 'all' ? [...changed] : [];
    const about = new Set([...request.userIDs, ...changedUserIDs]);
    return make('group.GetMembershipResp', {
      memberUserIDs: now.filter((userID) => about.has(userID)),
      memberVersion: version,
      changedUserIDs,
      full,
    });
  });
  return asked;
}

test('a message newer than the known membership waits until that is read, whichever users joined or left', async () => {
  for (const changed of [['u2', 'u3', 'elsewhere'], 'all'] as const) {
    await using s = await scene({ version: 3 });
    const gate = Promise.withResolvers<void>();
    const asked = groupDomain(s, () => ({ version: 5, members: ['u1', 'u3'], changed }), gate.promise);
    s.toGroup('old', { memberVersion: 3 });
    s.toGroup('one', { memberVersion: 5 });
    s.toGroup('two', { memberVersion: 5 });
    s.toGroup('three');
    assert.deepEqual(await s.got(), { u1: ['old'], u2: ['old'], u3: [] });
    gate.resolve();
    await until(() => s.clients.u3?.left.length === 3);
    assert.deepEqual(await s.got(), {
      u1: ['old', 'one', 'two', 'three'],
      u2: ['old'],
      u3: ['one', 'two', 'three'],
    });
    assert.equal(await s.gateway.metric('openim_gateway_membership_rereads_total'), 1);
    assert.deepEqual(
      asked.map(({ sinceVersion, userIDs }) => [sinceVersion, [...userIDs].sort()]),
      changed === 'all'
        ? [
            [3, []],
            [0, ['u1', 'u2', 'u3']],
          ]
        : [[3, []]],
    );
  }
});

test('a change that follows the known one needs no reading, one that does not is read', async () => {
  await using s = await scene({ version: 3 });
  const asked = groupDomain(s, () => ({ version: 20, members: ['u1'], changed: ['u2', 'u3'] }));
  const change = { addedUserIDs: ['u3'], memberVersion: 9, memberVersionBefore: 3, position: 100 };
  s.toGroup('joined', change);
  s.toGroup('after', { memberVersion: 9 });
  assert.equal(asked.length, 0);
  s.toGroup('left', { removedUserIDs: ['u3'], memberVersion: 20, memberVersionBefore: 15, position: 200 });
  await until(() => asked.length === 1);
  assert.deepEqual(await s.got(), {
    u1: ['joined', 'after', 'left'],
    u2: ['joined', 'after'],
    u3: ['joined', 'after'],
  });
});

test('each user whom a new group brings here gets what follows', async () => {
  await using s = await scene();
  const change = { addedUserIDs: ['u2', 'u3'], conversationID: 'sg_new', memberVersion: 1, position: 100 };
  for (const userID of ['u2', 'u3']) {
    s.toUser(userID, 'created', { ...change, addedUserIDs: [userID] });
  }
  const after = {
    targetGroupID: 'new',
    conversationID: 'sg_new',
    memberVersion: 1,
    msgData: msgData('after'),
  };
  s.gateway.feed.deliver(after);
  await until(() => s.clients.u2?.left.length === 2 && s.clients.u3?.left.length === 2);
});

test('a change that comes late, by an older version, moves no user', async () => {
  await using s = await scene({ version: 3 });
  s.toGroup('kicked', { removedUserIDs: ['u2'], memberVersion: 6, memberVersionBefore: 3, position: 100 });
  s.toUser('u2', 'kicked', { removedUserIDs: ['u2'], memberVersion: 6, position: 100 });
  const late = { addedUserIDs: ['u2'], memberVersion: 5, memberVersionBefore: 3, position: 101 };
  s.toGroup('invited', late);
  s.toUser('u2', 'invited', late);
  s.toGroup('after', { memberVersion: 6 });
  assert.deepEqual(await s.got(), {
    u1: ['kicked', 'invited', 'after'],
    u2: ['kicked', 'invited'],
    u3: [],
  });
});

test('a membership that cannot be read is read again until it can', async () => {
  await using s = await scene({ version: 3 });
  let down = true;
  const asked = groupDomain(s, () => {
    if (down) throw new Error('down');
    return { version: 5, members: ['u1', 'u3'], changed: ['u2', 'u3'] };
  });
  s.toGroup('one', { memberVersion: 5 });
  await until(() => asked.length >= 3);
  assert.deepEqual(await s.got(), { u1: [], u2: [], u3: [] });
  down = false;
  await until(() => s.clients.u1?.left.length === 1 && s.clients.u3?.left.length === 1);
  s.toGroup('two', { memberVersion: 5 });
  assert.deepEqual(await s.got(), { u1: ['one', 'two'], u2: [], u3: ['one', 'two'] });
});

test('what can wait no longer goes to those who are known; who was missed connects again', async () => {
  await using s = await scene({ version: 3 });
  const gate = Promise.withResolvers<void>();
  groupDomain(s, () => ({ version: 5, members: ['u1', 'u3'], changed: ['u2', 'u3'] }), gate.promise);
  for (let i = 0; i < 3; i++) s.toGroup(`m${i}`, { memberVersion: 5 });
  assert.notEqual(await s.gateway.metric('openim_gateway_membership_held_bytes'), 0);
  await until(() => s.clients.u1?.left.length === 3 && s.clients.u2?.left.length === 3);
  assert.equal(s.clients.u3?.left.length, 0);
  assert.equal(await s.gateway.metric('openim_gateway_membership_held_bytes'), 0);
  gate.resolve();
  await s.clients.u3?.closed;
  await until(
    async () => (await s.gateway.metric('openim_gateway_closed_total', { reason: 'resync' })) === 1,
  );
});

test('what the log says while the groups are being read is newer than what is read', async () => {
  await using gateway = await startGateway();
  const gate = Promise.withResolvers<void>();
  gateway.rpc.answers.set('group.getJoinedGroupIDs', async () => {
    await gate.promise;
    return make('group.GetJoinedGroupIDsResp', { groupIDs: ['left', 'stays'] });
  });
  using client = await Client.connect(gateway.port);
  await until(() => gateway.rpc.of('group.getJoinedGroupIDs').length === 1);
  const change = (conversationID: string, fields: Partial<log.Delivery>) =>
    gateway.feed.deliver({ targetUserID: 'u1', conversationID, ...fields });
  change('sg_left', { removedUserIDs: ['u1'] });
  change('n_joined', { addedUserIDs: ['u1'] });
  gate.resolve();
  await client.request(REQ.GetNewestSeq, 'sdkws.GetMaxSeqReq', make('sdkws.GetMaxSeqReq', { userID: 'u1' }));
  assert.deepEqual([...gateway.feed.targets].sort(), ['default g joined', 'default g stays', 'default u u1']);
});
