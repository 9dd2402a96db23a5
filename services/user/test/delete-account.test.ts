import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { TenantId } from '@im/contract';
import { type CallContext, requireAdmin } from '@im/kit';
import { type account, ERR, ImError, type Messages, make } from '@im/protocol';
import { accountDeletionRepo } from '@im/store';
import {
  as,
  codeOf,
  eventually,
  newCluster,
  startDomain,
  startStores,
  TENANTS,
  type TestStores,
} from '@im/testing';
import { userService } from '../src/index.ts';

const [T1, T2] = TENANTS;
const cluster = newCluster();
let stores: TestStores<'mongo' | 'redis'>;
/** Calls of the other domains, `<domain> <user> <cursor>`, by tenant. */
const calls: { tenant: TenantId; call: string }[] = [];
/** Answers a part of a domain's work; nothing is left by default. */
let parts: (domain: string, cursor: string) => Partial<account.RemoveUserDataResp> = () => ({});

function fakeOf(domain: string) {
  return {
    async removeUserData(ctx: CallContext, { userID, erase, cursor }: account.RemoveUserDataReq) {
      requireAdmin(ctx);
      calls.push({
        tenant: ctx.tenant,
        call: `${domain} ${userID}${erase ? ' erase' : ''}${cursor && ` ${cursor}`}`,
      });
      return make('account.RemoveUserDataResp', { removed: 1, ...parts(domain, cursor) });
    },
  };
}

async function start() {
  const renamed = async () => ({});
  return await startDomain(userService, {
    stores,
    cluster,
    bus: () => ({ events: { publishPresence: () => {} } }),
    fakes: {
      auth: fakeOf('auth'),
      group: { ...fakeOf('group'), userProfileChanged: renamed },
      relation: { ...fakeOf('relation'), userProfileChanged: renamed },
      msg: fakeOf('msg'),
      conversation: fakeOf('conversation'),
      third: fakeOf('third'),
    },
  });
}
let domain: Awaited<ReturnType<typeof start>>;

before(async () => {
  stores = await startStores('mongo', 'redis');
  domain = await start();
  for (const tenant of TENANTS) await domain.addUsers(tenant, 'u1', 'u2', 'u3', 'u4');
});
after(async () => {
  await domain?.[Symbol.asyncDispose]();
  await stores?.stop();
});

const admin = (tenant: TenantId) => as(tenant, 'imAdmin', true);

async function remove(userID: string, fields: Partial<Messages['user.DeleteAccountReq']> = {}, tenant = T1) {
  const request = { userID, mode: 'delete', nickName: 'Gone', ...fields };
  const answer = await domain.user.deleteAccount(admin(tenant), make('user.DeleteAccountReq', request));
  assert.ok(answer.deletion);
  return answer.deletion;
}

async function progress(userID: string, tenant = T1) {
  const request = make('user.GetAccountDeletionReq', { userID });
  return (await domain.user.getAccountDeletion(admin(tenant), request)).deletion;
}

const becomesDone = (userID: string, tenant = T1) =>
  eventually(async () => assert.equal((await progress(userID, tenant))?.state, 'done'), 30_000);

async function nickname(userID: string, tenant = T1): Promise<string | undefined> {
  const request = make('user.GetDesignateUsersReq', { userIDs: [userID] });
  return (await domain.user.getDesignateUsers(admin(tenant), request)).usersInfo[0]?.nickname;
}

test('an account goes step by step, in one tenant alone, and its id is not given again', async () => {
  parts = (name, cursor) =>
    name === 'msg' && cursor !== 'b' ? { cursor: cursor === '' ? 'a' : 'b', more: true } : {};
  const begun = await remove('u1', { erase: true });
  assert.deepEqual([begun.state, begun.adminUserID, begun.mode], ['running', 'imAdmin', 'delete']);
  await becomesDone('u1');
  assert.deepEqual(
    calls.splice(0).map(({ tenant, call }) => `${tenant} ${call}`),
    [
      ...['auth u1 erase', 'group u1 erase', 'relation u1 erase', 'msg u1 erase', 'msg u1 erase a'],
      ...['msg u1 erase b', 'conversation u1 erase', 'third u1 erase'],
    ].map((call) => `${T1} ${call}`),
  );
  const done = await progress('u1');
  assert.deepEqual([done?.removed.messages, done?.removed.profile, done?.attempts], [3, 1, 0]);
  assert.equal(await nickname('u1'), undefined);
  assert.equal(await nickname('u1', T2), 'Nu1');
  const users = [make('sdkws.UserInfo', { userID: 'u1', nickname: 'again' })];
  const register = (tenant: TenantId) =>
    codeOf(domain.user.userRegister(admin(tenant), make('user.UserRegisterReq', { users })));
  assert.equal(await register(T1), ERR.RegisteredAlreadyError);

  await eventually(async () => assert.deepEqual(await accountDeletionRepo(domain.store).pending([T1]), []));

  // The same request is no second run; what the first one left is.
  assert.equal((await remove('u1', { erase: true })).state, 'done');
  assert.equal(calls.length, 0);
});

test('an anonymized account keeps a name alone, and may be deleted later', async () => {
  parts = () => ({});
  await remove('u2', { mode: 'anonymize' });
  await becomesDone('u2');
  assert.equal(await nickname('u2'), 'Gone');
  assert.equal((await remove('u2')).state, 'running');
  await becomesDone('u2');
  assert.equal(await nickname('u2'), undefined);
  calls.length = 0;
});

test('what fails is said and tried again, from where it was', async () => {
  let failures = 1;
  parts = (name) => {
    if (name === 'relation' && failures-- > 0) throw new ImError(ERR.NetworkError, 'no primary');
    return {};
  };
  await remove('u3', {}, T2);
  await eventually(async () => {
    const now = await progress('u3', T2);
    assert.deepEqual(
      [now?.step, now?.attempts, now?.error],
      ['friends', 1, '90004 NetworkError: no primary'],
    );
  }, 20_000);
  const repo = accountDeletionRepo(domain.store);
  assert.deepEqual(
    (await repo.pending([T1, T2])).map(({ tenant }) => tenant),
    [T2],
  );
  await becomesDone('u3', T2);
  const of = calls.splice(0).map(({ call }) => call);
  assert.deepEqual(
    of.filter((call) => /auth|group|relation/.test(call)),
    ['auth u3', 'group u3', 'relation u3', 'relation u3'],
  );
});

test('a process that dies leaves the account to another one', async () => {
  const repo = accountDeletionRepo(domain.store);
  const claimed = Date.now() + 1_500;
  await repo.begin(T1, {
    ...{ userID: 'u4', mode: 'delete', erase: false, nickname: 'Gone', admin: 'imAdmin', requested: 1 },
    ...{ state: 'running', step: 'messages', cursor: 'x', removed: {}, finished: 0, attempts: 0, error: '' },
  });
  const taken = await repo.claim(T1, Date.now(), claimed);
  assert.equal(taken?.userID, 'u4');
  assert.equal(await repo.claim(T1, Date.now(), claimed), undefined);
  await becomesDone('u4');
  // Late progress of the dead one changes nothing.
  assert.equal(await repo.save(T1, 'u4', claimed, { step: 'groups' }, 0), false);
  assert.deepEqual(
    calls.splice(0).map(({ call }) => call),
    ['msg u4 x', 'conversation u4', 'third u4'],
  );
});

test('deletions are listed, and only administrators ask for them', async () => {
  const list = (limit: number, cursor = '') =>
    domain.user.searchAccountDeletions(admin(T1), make('user.SearchAccountDeletionsReq', { limit, cursor }));
  const first = await list(2);
  const rest = await list(2, first.cursor);
  assert.deepEqual(
    [...first.deletions, ...rest.deletions].map(({ userID }) => userID),
    ['u2', 'u1', 'u4'],
  );
  assert.equal(rest.cursor, '');
  assert.equal(await codeOf(remove('nobody')), ERR.UserIDNotFoundError);
  assert.equal(await codeOf(remove('imAdmin')), ERR.ArgsError);
  assert.equal(await codeOf(remove('u1', { mode: 'hide' })), ERR.ArgsError);
  const request = make('user.DeleteAccountReq', { userID: 'u2', mode: 'delete' });
  assert.equal(await codeOf(domain.user.deleteAccount(as(T1, 'u2'), request)), ERR.NoPermissionError);
});
