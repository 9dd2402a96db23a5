import assert from 'node:assert/strict';
import { test } from 'node:test';
import { make, type msg, ROLE } from '@im/protocol';
import { groupMemberChanges, groupMemberRepo, membershipOutbox } from '@im/store';
import { as, eventually, type SentNotification, TENANTS } from '@im/testing';
import { actions, admin, describeGroups, type GroupHarness } from './harness.ts';

const [t1] = TENANTS;
const harness = describeGroups();
const act = actions(harness);

/** The relay waits until the process that began has surely given up. */
const RELAYED_MS = 90_000;

async function outboxIsEmpty(): Promise<void> {
  const pending = membershipOutbox(harness.store).pending([t1]);
  const tenants = (await Promise.all(pending.map(({ find }) => find()))).flat();
  assert.deepEqual(tenants, [], 'the outbox still holds changes');
}

/** Members of a group by the records in the log: of each user, the one with the highest version. */
function membersRecorded(sent: readonly SentNotification[], groupID: string): string[] {
  const last = new Map<string, { version: number; member: boolean }>();
  const record = (userID: string, member: boolean, { memberVersion }: msg.SendNotificationReq) => {
    const known = last.get(userID);
    if (!known || memberVersion === 0 || memberVersion >= known.version)
      last.set(userID, { version: memberVersion, member });
  };
  for (const { request } of sent) {
    if (request.recvID !== groupID) continue;
    for (const userID of request.addedUserIDs) record(userID, true, request);
    for (const userID of request.removedUserIDs) record(userID, false, request);
  }
  return [...last].flatMap(([userID, { member }]) => (member ? [userID] : [])).sort();
}

const kick = (groupID: string, kickedUserIDs: string[], service = harness.group) =>
  service.kickGroupMember(admin(), make('group.KickGroupMemberReq', { groupID, kickedUserIDs }));
const invite = (groupID: string, invitedUserIDs: string[], service = harness.group) =>
  service.inviteUserToGroup(admin(), make('group.InviteUserToGroupReq', { groupID, invitedUserIDs }));

test('every change of membership that the log did not take is answered, and recorded when it does', async () => {
  const open = await act.create('a', ['b', 'c', 'd'], { needVerification: 2 });
  const closed = await act.create('a', ['b']);
  const ended = await act.create('a', ['b', 'c']);
  const sent = harness.takeSent();
  const { group: service } = harness;
  await service.joinGroup(
    as(t1, 'e'),
    make('group.JoinGroupReq', { groupID: closed.groupID, joinSource: 3, inviterUserID: 'e' }),
  );

  harness.refuseNotifications(true);
  const made = await act.create('a', ['b', 'c']);
  await invite(open.groupID, ['m1', 'm2']);
  await service.joinGroup(
    as(t1, 'f'),
    make('group.JoinGroupReq', { groupID: open.groupID, joinSource: 3, inviterUserID: 'f' }),
  );
  await service.quitGroup(as(t1, 'b'), make('group.QuitGroupReq', { groupID: open.groupID }));
  await kick(open.groupID, ['c', 'm1']);
  await service.groupApplicationResponse(
    as(t1, 'a'),
    make('group.GroupApplicationResponseReq', { groupID: closed.groupID, fromUserID: 'e', handleResult: 1 }),
  );
  await service.dismissGroup(as(t1, 'a'), make('group.DismissGroupReq', { groupID: ended.groupID }));
  harness.refuseNotifications(false);

  await eventually(outboxIsEmpty, RELAYED_MS);
  sent.push(...harness.takeSent());
  for (const { groupID } of [open, closed, ended, made]) {
    assert.deepEqual(membersRecorded(sent, groupID), (await act.membersOf(groupID)).sort());
  }
  assert.deepEqual(await act.membersOf(ended.groupID), []);
  assert.deepEqual((await act.membersOf(open.groupID)).sort(), ['a', 'd', 'f', 'm2']);
  const names = sent.map(({ request }) => request.changeID).filter((id) => id !== '');
  assert.equal(new Set(names).size, names.length, 'each change counts once');
});

test('a process that dies after the rows: versions, copies and the record follow', async () => {
  const groupID = await act.quietly('a', ['b', 'c']);
  const outbox = membershipOutbox(harness.store);
  const members = groupMemberRepo(harness.store);
  const base = await members.versions.stamp(t1, groupID);
  const intent = (id: string, contentType: number, addedUserIDs: string[], removedUserIDs: string[]) => ({
    id,
    groupID,
    contentType,
    addedUserIDs,
    removedUserIDs,
    opUserID: 'a',
    operationID: `op-${id}`,
    sendMessage: null,
    at: Date.now(),
  });
  // As the process did: the intent, the rows; it died before the version logs.
  await outbox.put(t1, intent('came', 1509, ['d', 'e'], []), 0);
  const rows = harness.store.collection(t1, { name: 'group_member', indexes: [] });
  const template = await rows.col.findOne({ _id: rows.key(groupID, 'b') });
  assert.ok(template);
  await rows.col.insertOne({
    ...template,
    _id: rows.key(groupID, 'd'),
    userID: 'd',
    change: 'came',
  } as never);
  await outbox.put(t1, intent('went', 1508, [], ['c']), 0);
  await rows.col.deleteOne({ _id: rows.key(groupID, 'c') });
  // And one that died before it did anything.
  await outbox.put(t1, { ...intent('never', 1508, [], ['b']), at: Date.now() - 120_000 }, 0);

  await eventually(outboxIsEmpty, RELAYED_MS);
  const sent = harness.takeSent();
  const recorded = sent.map(({ request }) => [
    request.changeID,
    request.addedUserIDs,
    request.removedUserIDs,
  ]);
  assert.deepEqual(
    recorded.sort(([a], [b]) => String(a).localeCompare(String(b))),
    [
      ['came', ['d'], []],
      ['went', [], ['c']],
    ],
  );
  const delta = await members.versions.since(t1, groupID, base);
  assert.deepEqual([delta.insert, delta.delete], [['d'], ['c']]);
  assert.ok((await act.joinedOf('d')).includes(groupID));
  assert.ok(!(await members.joinedGroupIDs(t1, 'c')).includes(groupID));
});

test('a dismissal that stops half-way is finished', async () => {
  const groupID = await act.quietly('a', ['b', 'c']);
  const groups = harness.store.collection(t1, { name: 'group', indexes: [] });
  await membershipOutbox(harness.store).put(
    t1,
    {
      id: 'end',
      groupID,
      contentType: 1511,
      addedUserIDs: [],
      removedUserIDs: ['a', 'b', 'c'],
      opUserID: 'a',
      operationID: 'op',
      sendMessage: null,
      at: Date.now(),
    },
    0,
  );
  await groups.col.updateOne({ _id: groups.key(groupID) }, { $set: { status: 2 } as never });
  await groupMemberChanges(harness.store).removeSome(t1, groupID, 1);
  await eventually(outboxIsEmpty, RELAYED_MS);
  assert.deepEqual(await act.membersOf(groupID), []);
  const [sent] = harness.takeSent();
  assert.deepEqual([sent?.request.contentType, sent?.request.removedUserIDs], [1511, ['a', 'b', 'c']]);
});

test('two processes that move the same users: rows, versions and records agree', async () => {
  const other = await harness.another();
  const groupID = await act.quietly('a', ['b']);
  const moved = ['c', 'd', 'e'];
  const sent: SentNotification[] = [];
  const base = await groupMemberRepo(harness.store).versions.stamp(t1, groupID);
  const move = async (service: GroupHarness['group'], n: number) => {
    for (let i = 0; i < n; i++) {
      const pick = moved.filter((_, k) => (i + k) % 3 !== 0);
      await (i % 2 === 0 ? invite(groupID, pick, service) : kick(groupID, pick, service)).catch(
        () => undefined,
      );
    }
  };
  await Promise.all([move(harness.group, 40), move(other, 41), move(harness.group, 39), move(other, 42)]);
  await eventually(outboxIsEmpty, RELAYED_MS);
  sent.push(...harness.takeSent());
  const now = (await act.membersOf(groupID)).sort();
  const recorded = new Set(['a', 'b', ...membersRecorded(sent, groupID)]);
  assert.deepEqual([...recorded].sort(), now);
  const { insert, delete: gone } = await groupMemberRepo(harness.store).versions.since(t1, groupID, base);
  assert.deepEqual(
    insert.filter((id) => !now.includes(id)),
    [],
    'the log names none as added who is not a member',
  );
  assert.deepEqual(
    gone.filter((id) => now.includes(id)),
    [],
    'nor as removed who is',
  );
});

const ownersOf = async (groupID: string) =>
  (await groupMemberRepo(harness.store).leaders(t1, groupID))
    .filter(({ roleLevel }) => roleLevel === ROLE.Owner)
    .map(({ userID }) => userID);
const transfer = (groupID: string, oldOwnerUserID: string, newOwnerUserID: string, service = harness.group) =>
  service.transferGroupOwner(
    admin(),
    make('group.TransferGroupOwnerReq', { groupID, oldOwnerUserID, newOwnerUserID }),
  );

/** A process that dies in front of its `nth` write to members and their log: that one and all later ones fail. */
function dyingAt(nth: number): Promise<GroupHarness['group']> {
  const { store } = harness;
  let count = 0;
  const watched = new Set(['group_member', 'group_member_version']);
  const collection: typeof store.collection = (tenant, definition) => {
    const found = store.collection(tenant, definition);
    if (!watched.has(definition.name)) return found;
    const updateOne: typeof found.col.updateOne = (...args) =>
      ++count >= nth ? Promise.reject(new Error('killed')) : found.col.updateOne(...args);
    return { ...found, col: Object.create(found.col, { updateOne: { value: updateOne } }) };
  };
  return harness.another(Object.create(store, { collection: { value: collection } }));
}

test('a transfer that the log did not take is notified when it does, once', async () => {
  const groupID = await act.quietly('a', ['b']);
  harness.refuseNotifications(true);
  await transfer(groupID, 'a', 'b');
  harness.refuseNotifications(false);
  assert.deepEqual(await ownersOf(groupID), ['b']);
  await eventually(outboxIsEmpty, RELAYED_MS);
  const recorded = harness.takeSent().filter(({ request }) => request.contentType === 1507);
  assert.equal(recorded.length, 1);
});

test('transfers at once, from two processes, and members who leave meanwhile: the group keeps one owner', async () => {
  const other = await harness.another();
  const groupID = await act.quietly('a', ['b', 'c', 'd', 'e']);
  for (let round = 0; round < 15; round++) {
    const [owner = ''] = await ownersOf(groupID);
    const [one = '', two = ''] = ['a', 'b', 'c', 'd', 'e'].filter((userID) => userID !== owner);
    const quit = harness.group.quitGroup(as(t1, one), make('group.QuitGroupReq', { groupID }));
    await Promise.allSettled([
      transfer(groupID, owner, one),
      transfer(groupID, owner, two, other),
      quit,
      kick(groupID, [two], other),
    ]);
    assert.equal((await ownersOf(groupID)).length, 1, `round ${round}`);
    const members = await act.membersOf(groupID);
    const missing = ['a', 'b', 'c', 'd', 'e'].filter((userID) => !members.includes(userID));
    if (missing.length > 0) await invite(groupID, missing);
  }
  await eventually(outboxIsEmpty, RELAYED_MS);
});

test('a transfer of ownership whose process dies between its writes is finished: one owner, and one notification', async () => {
  const made = await Promise.all([1, 2, 3].map(() => act.quietly('a', ['b', 'c'])));
  const [never, between, before] = made;
  assert.ok(never && between && before);
  await assert.rejects(transfer(never, 'a', 'b', await dyingAt(1)));
  await assert.rejects(transfer(between, 'a', 'b', await dyingAt(2)));
  await assert.rejects(transfer(before, 'a', 'b', await dyingAt(3)));
  // While both are owners, neither can leave.
  await assert.rejects(
    harness.group.quitGroup(as(t1, 'b'), make('group.QuitGroupReq', { groupID: between })),
  );
  await eventually(async () => {
    assert.deepEqual(await Promise.all(made.map(ownersOf)), [['a'], ['b'], ['b']]);
  }, RELAYED_MS);
  const recorded: SentNotification[] = [];
  await eventually(async () => {
    recorded.push(...harness.takeSent().filter(({ request }) => request.contentType === 1507));
    assert.ok(recorded.length >= 2, 'the new owners are not notified');
  }, RELAYED_MS);
  assert.deepEqual(recorded.map(({ request }) => request.recvID).sort(), [between, before].sort());
  for (const { request, tips } of recorded) {
    assert.notEqual(request.changeID, '');
    assert.equal((tips.newGroupOwner as { userID: string }).userID, 'b');
  }
});
