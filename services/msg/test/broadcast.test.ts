import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { TenantId } from '@im/contract';
import { type auth, ERR, ImError, type Messages, make, type user } from '@im/protocol';
import { type Broadcast, broadcastRepo, userRepo } from '@im/store';
import { as, codeOf, eventually, startDomain, TENANTS } from '@im/testing';
import { clientMsgIDOf } from '../src/broadcast/send-page.ts';
import { msgService } from '../src/index.ts';
import { type FoldingLog, foldingLog } from './folding-log.ts';

const [T1, T2] = TENANTS;
const SECRETS = { tokenSecret: 's', adminSecret: 's' };
const PAGE_OF_USERS = 40;
let log: FoldingLog | undefined;
/** Users of both tenants, in the order of their ids. */
let users: string[] = [];
const banned = new Set<string>();
/** Records that the log still refuses. */
let refusals = 0;
let domain: Awaited<ReturnType<typeof start>>;

async function start() {
  return await startDomain(msgService, {
    servers: ['mongo', 'redis'],
    tenants: [
      { id: T1, ...SECRETS },
      { id: T2, ...SECRETS, quotas: { messagesPerSecond: 4 } },
    ],
    bus(store) {
      const folding = foldingLog(store);
      log ??= folding;
      const append: typeof folding.bus.log.append = async (...record) => {
        if (refusals === 0) return await folding.bus.log.append(...record);
        refusals--;
        throw new ImError(ERR.NetworkError, 'the log is full');
      };
      return { ...folding.bus, log: { ...folding.bus.log, append } };
    },
    fakes: {
      user: {
        async searchUsers(_ctx, { limit, cursor }: user.SearchUsersReq) {
          const rest = users.filter((id) => id > cursor);
          const page = rest.slice(0, Math.min(limit, PAGE_OF_USERS));
          const next = page.length < rest.length ? page.at(-1) : '';
          return make('user.SearchUsersResp', {
            users: page.map((userID) => ({ userID })) as never,
            cursor: next,
          });
        },
        async userRegisterCount() {
          return make('user.UserRegisterCountResp', { total: users.length });
        },
      },
      auth: {
        async getBans(_ctx, { userIDs }: auth.GetBansReq) {
          const bans = userIDs.filter((id) => banned.has(id)).map((userID) => make('auth.Ban', { userID }));
          return make('auth.GetBansResp', { bans });
        },
      },
    },
  });
}

before(async () => {
  domain = await start();
  users = ['desk', ...Array.from({ length: 119 }, (_, i) => `u${String(i).padStart(3, '0')}`)];
  for (const tenant of TENANTS) await domain.addUsers(tenant, ...users);
  await eventually(() => assert.ok(domain.store.redis.up));
});
after(() => domain?.[Symbol.asyncDispose]());

const admin = (tenant: TenantId) => as(tenant, 'imAdmin', true);
const startOne = (fields: Partial<Messages['msg.StartBroadcastReq']>, tenant = T1) =>
  domain.msg.startBroadcast(
    admin(tenant),
    make('msg.StartBroadcastReq', { senderID: 'desk', text: 'hello', ...fields }),
  );
const progressOf = async (broadcastID: string, tenant = T1) =>
  (await domain.msg.getBroadcast(admin(tenant), make('msg.GetBroadcastReq', { broadcastID }))).broadcast;
const becomes = (broadcastID: string, state: string) =>
  eventually(async () => assert.equal((await progressOf(broadcastID))?.state, state), 60_000);
/** How often each user got the message of a broadcast. */
function copiesOf(broadcastID: string, senderID = 'desk', tenant = T1): Map<string, number> {
  const wanted = clientMsgIDOf(tenant, { broadcastID, senderID } as Broadcast);
  const copies = new Map<string, number>();
  for (const { message } of log?.delivered ?? [])
    if (message.clientMsgID === wanted) copies.set(message.recvID, (copies.get(message.recvID) ?? 0) + 1);
  return copies;
}
const once = (ids: readonly string[]) => new Map(ids.map((id) => [id, 1]));

test('all users get it once, without those who are banned and the sender; another tenant has nothing of it', async () => {
  banned.add('u005');
  const { receivers } = await startOne({ broadcastID: 'all' });
  assert.equal(receivers, 120);
  await becomes('all', 'done');
  assert.deepEqual(copiesOf('all'), once(users.filter((id) => id !== 'desk' && id !== 'u005')));
  const done = await progressOf('all');
  assert.deepEqual([done?.sent, done?.skipped, done?.failed, done?.total], [118, 2, 0, 120]);
  assert.ok((done?.finishTime ?? 0) >= (done?.requestTime ?? 1));
  assert.equal((await progressOf('all', T2)) ?? undefined, undefined);
  banned.clear();
});

test('the same request again sends nothing more, and an id stands for one text', async () => {
  const wanted = { broadcastID: 'named', userIDs: ['u001', 'u002', 'u001', 'nobody'] };
  const first = await startOne(wanted);
  assert.deepEqual([first.receivers, first.unknownUserIDs], [2, ['nobody']]);
  await becomes('named', 'done');
  assert.equal((await startOne(wanted)).broadcast?.state, 'done');
  assert.deepEqual(copiesOf('named'), once(['u001', 'u002']));
  assert.equal(await codeOf(startOne({ ...wanted, text: 'other' })), ERR.DuplicateKeyError);
});

test('an id stands for its receivers, whoever of them is a user meanwhile', async () => {
  const wanted = { broadcastID: 'receivers', userIDs: ['u030', 'u031', 'u032'] };
  await startOne(wanted);
  await becomes('receivers', 'done');
  for (const userIDs of [[], ['u030', 'u031'], ['u030', 'u031', 'u033'], [...wanted.userIDs, 'u033']])
    assert.equal(await codeOf(startOne({ ...wanted, userIDs })), ERR.DuplicateKeyError, userIDs.join());
  await startOne({ broadcastID: 'to-all' });
  assert.equal(await codeOf(startOne({ broadcastID: 'to-all', userIDs: ['u030'] })), ERR.DuplicateKeyError);
  await becomes('to-all', 'done');
  await userRepo(domain.store).remove(T1, 'u032');
  try {
    const again = await startOne({ ...wanted, userIDs: ['u032', 'u031', 'u030', 'nobody'] });
    assert.deepEqual([again.broadcast?.state, again.receivers], ['done', 3]);
  } finally {
    await domain.addUsers(T1, 'u032');
  }
});

test('of two requests that take one id at the same time for other receivers, one is refused', async () => {
  const codes = await Promise.all(
    ['u040', 'u041'].map((id) => codeOf(startOne({ broadcastID: 'race', userIDs: [id] }))),
  );
  assert.deepEqual(codes.toSorted(), [0, ERR.DuplicateKeyError]);
  await becomes('race', 'done');
  assert.equal(copiesOf('race').size, 1);
});

test('a list says who gets each broadcast, and names none of them', async () => {
  const one = { senderID: 'desk', text: 'hello', admin: 'imAdmin', state: 'done', total: 2 } as const;
  const counts = { sent: 0, skipped: 0, failed: 2, cursor: '', finished: 1, attempts: 0, error: '' };
  const ids = ['u001', 'u002'];
  const page = { userIDs: ids, next: '', sentAt: 1 };
  const listed = [
    { broadcastID: 'listed-some', userIDs: ids },
    { broadcastID: 'listed-all', userIDs: [] },
  ];
  for (const [i, { broadcastID, userIDs }] of listed.entries())
    await broadcastRepo(domain.store).begin(T2, {
      ...{ ...one, ...counts, broadcastID, userIDs, page, failedUserIDs: ids },
      requested: Date.now() + 1 + i,
    });
  const pageAt = (cursor: string) =>
    domain.msg.searchBroadcasts(admin(T2), make('msg.SearchBroadcastsReq', { limit: 1, cursor }));
  const first = await pageAt('');
  const second = await pageAt(first.cursor);
  assert.deepEqual(
    [...first.broadcasts, ...second.broadcasts].map(
      ({ broadcastID, toAll, failed, failedUserIDs, text, adminUserID }) => [
        broadcastID,
        toAll,
        failed,
        [...failedUserIDs],
        text,
        adminUserID,
      ],
    ),
    [
      ['listed-all', true, 2, [], 'hello', 'imAdmin'],
      ['listed-some', false, 2, [], 'hello', 'imAdmin'],
    ],
  );
  assert.deepEqual([...((await progressOf('listed-some', T2))?.failedUserIDs ?? [])], ids);
});

test('what is wrong is refused, and a dry run sends nothing', async () => {
  assert.equal(await codeOf(startOne({ broadcastID: 'a b' })), ERR.ArgsError);
  assert.equal(await codeOf(startOne({ broadcastID: 'x', text: '' })), ERR.ArgsError);
  assert.equal(await codeOf(startOne({ broadcastID: 'x', senderID: 'nobody' })), ERR.UserIDNotFoundError);
  assert.equal(await codeOf(startOne({ broadcastID: 'x', userIDs: ['nobody'] })), ERR.ArgsError);
  const request = make('msg.StartBroadcastReq', { broadcastID: 'x', senderID: 'desk', text: 'x' });
  assert.equal(await codeOf(domain.msg.startBroadcast(as(T1, 'u001'), request)), ERR.NoPermissionError);
  assert.equal((await startOne({ broadcastID: 'dry', dryRun: true })).receivers, 120);
  assert.equal((await progressOf('dry')) ?? undefined, undefined);
});

/** A broadcast whose process died when the first page was under way, before it noted who has it. */
async function abandoned(broadcastID: string, sentAt: number, has: readonly string[]) {
  const repo = broadcastRepo(domain.store);
  const one: Broadcast = {
    ...{ broadcastID, senderID: 'desk', text: 'hello', userIDs: ['u010', 'u011', 'u012'], admin: 'imAdmin' },
    ...{
      requested: Date.now(),
      state: 'cancelled',
      total: 3,
      sent: 0,
      skipped: 0,
      failed: 0,
      failedUserIDs: [],
    },
    ...{ page: { userIDs: ['u010', 'u011', 'u012'], next: '', sentAt }, cursor: '' },
    ...{ finished: 0, attempts: 0, error: '' },
  };
  for (const recvID of has)
    await domain.msg.sendMsg(
      admin(T1),
      make('msg.SendMsgReq', {
        msgData: make('sdkws.MsgData', {
          ...{
            sendID: 'desk',
            recvID,
            clientMsgID: clientMsgIDOf(T1, one),
            sessionType: 1,
            contentType: 101,
          },
          ...{ msgFrom: 200, senderPlatformID: 10, content: Buffer.from('{"content":"hello"}') },
        }),
      }),
    );
  await repo.begin(T1, { ...one, state: 'running' });
  return repo;
}

test('who goes on long after looks who has the message, and sends it to the others alone', async () => {
  await abandoned('late', Date.now() - 9 * 60_000, ['u010', 'u012']);
  await becomes('late', 'done');
  assert.deepEqual(copiesOf('late'), once(['u010', 'u012', 'u011']));
  assert.equal((await progressOf('late'))?.sent, 3);
});

test('one that is cancelled ends, and those who have it are counted', async () => {
  // At half of its limit, the tenant would need a minute for all.
  await startOne({ broadcastID: 'ended' }, T2);
  await eventually(async () => assert.ok(((await progressOf('ended', T2))?.sent ?? 0) > 0), 60_000);
  const request = make('msg.CancelBroadcastReq', { broadcastID: 'ended' });
  const { broadcast } = await domain.msg.cancelBroadcast(admin(T2), request);
  assert.equal(broadcast?.state, 'cancelled');
  await startOne({ broadcastID: 'next', userIDs: ['u001'] }, T2);
  await eventually(async () => assert.equal((await progressOf('next', T2))?.state, 'done'), 60_000);
  await eventually(async () =>
    assert.equal((await progressOf('ended', T2))?.sent, copiesOf('ended', 'desk', T2).size),
  );
  assert.equal((await progressOf('ended', T2))?.state, 'cancelled');
  assert.ok(copiesOf('ended', 'desk', T2).size < 118, 'the rest did not get it');
});

test('what the log refuses for now is sent again, to those who did not get it', async () => {
  refusals = 3;
  await startOne({ broadcastID: 'refused', userIDs: ['u020', 'u021', 'u022', 'u023', 'u024'] });
  await becomes('refused', 'done');
  assert.equal(refusals, 0, 'the log has refused some');
  assert.deepEqual(copiesOf('refused'), once(['u020', 'u021', 'u022', 'u023', 'u024']));
  const done = await progressOf('refused');
  assert.deepEqual([done?.sent, done?.failed, done?.error], [5, 0, '']);
});
