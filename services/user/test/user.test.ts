import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ERR, type Messages, make } from '@im/protocol';
import { codeOf, eventually, route } from '@im/testing';
import { by, describeUsers, page, register, T1, T2, type UserProcess } from './harness.ts';

const [a, b] = describeUsers();
const ADMIN = by('imAdmin');

async function info(process: UserProcess, userID: string, ctx = ADMIN) {
  const request = make('user.GetDesignateUsersReq', { userIDs: [userID] });
  return (await process.user.getDesignateUsers(ctx, request)).usersInfo[0];
}

test("every tenant's administrators are registered at the start, and when a tenant appears", async () => {
  assert.equal((await info(a, 'imAdmin'))?.appMangerLevel, 2);
  const inT2 = by('boss', T2);
  assert.deepEqual(
    [(await info(a, 'boss', inT2))?.nickname, (await info(a, 'deputy', inT2))?.appMangerLevel],
    ['superAdmin', 2],
  );
  assert.equal(await info(a, 'imAdmin', inT2), undefined);
  const settings = a.tenants.get(T2);
  assert.ok(settings);
  a.tenants.put({ ...settings, adminUserIDs: ['boss', 'chief'], adminNicknames: ['Head', 'Second'] });
  const nicknameOf = async (userID: string) => (await info(a, userID, inT2))?.nickname;
  await eventually(async () => assert.equal(await nicknameOf('chief'), 'Second'));
  await eventually(async () => assert.equal(await nicknameOf('boss'), 'Head', 'as the settings say'));
});

test('what is registered is found again, by both processes', async () => {
  const user = {
    userID: 'reg1',
    nickname: 'Ré',
    faceURL: 'f',
    ex: 'e',
    appMangerLevel: 1,
    globalRecvMsgOpt: 2,
  };
  await register(a, { ...user, createTime: 5 });
  for (const process of [a, b]) {
    const found = await info(process, 'reg1');
    assert.deepEqual({ ...found, createTime: 0 }, { ...user, createTime: 0 });
    assert.ok(found && Math.abs(found.createTime - Date.now()) < 10_000);
  }
});

for (const [name, users, code] of [
  ['nobody', [], ERR.ArgsError],
  ['no id', [{ userID: '' }], ERR.ArgsError],
  ['a colon', [{ userID: 'a:b' }], ERR.ArgsError],
  ['a blank', [{ userID: 'a b' }], ERR.ArgsError],
  ['a dot', [{ userID: 'a.b' }], ERR.ArgsError],
  ['a dash', [{ userID: 'a-b' }], ERR.ArgsError],
  ['a long id', [{ userID: 'a'.repeat(65) }], ERR.ArgsError],
  ['no name', [{ userID: 'noname', nickname: '' }], ERR.ArgsError],
  ['the same twice', [{ userID: 'twice' }, { userID: 'twice' }], ERR.ArgsError],
  ['letters of other scripts', [{ userID: '用户_٣é' }], 0],
] as const) {
  test(`registering ${name} answers ${code}`, async () => {
    const list = users.map((user) => make('sdkws.UserInfo', { nickname: 'n', ...user }));
    assert.equal(
      await codeOf(a.user.userRegister(ADMIN, make('user.UserRegisterReq', { users: list }))),
      code,
    );
  });
}

test('all or none: one that is taken keeps the others out', async () => {
  await register(a, { userID: 'taken' });
  const list = ['new1', 'taken', 'new2'].map((userID) => make('sdkws.UserInfo', { userID, nickname: 'n' }));
  const request = make('user.UserRegisterReq', { users: list });
  assert.equal(await codeOf(a.user.userRegister(ADMIN, request)), ERR.RegisteredAlreadyError);
  assert.equal(await info(a, 'new1'), undefined);
});

test('of registrations at once of overlapping users, one succeeds and leaves no halves', async () => {
  const attempt = (i: number) => {
    const users = [`own${i}`, 'contested'].map((userID) => make('sdkws.UserInfo', { userID, nickname: 'n' }));
    return codeOf((i % 2 ? a : b).user.userRegister(ADMIN, make('user.UserRegisterReq', { users })));
  };
  const codes = await Promise.all([0, 1, 2, 3, 4, 5].map(attempt));
  assert.equal(codes.filter((code) => code === 0).length, 1, `${codes}`);
  const check = make('user.AccountCheckReq', { checkUserIDs: codes.map((_, i) => `own${i}`) });
  const { results } = await a.user.accountCheck(ADMIN, check);
  assert.deepEqual(
    results.map(({ accountStatus }) => accountStatus),
    codes.map((code) => (code === 0 ? 1 : 0)),
  );
});

test('a tenant cannot have more users than its quota', async () => {
  const settings = a.tenants.get(T2);
  assert.ok(settings);
  a.tenants.put({ ...settings, quotas: { ...settings.quotas, users: 4 } });
  const add = (userID: string) =>
    codeOf(
      a.user.userRegister(
        by('boss', T2),
        make('user.UserRegisterReq', { users: [make('sdkws.UserInfo', { userID, nickname: 'n' })] }),
      ),
    );
  assert.equal(await add('q1'), 0);
  assert.equal(await add('q2'), ERR.NoPermissionError);
  const account = make('user.AddNotificationAccountReq', { userID: 'q3', nickName: 'n', appMangerLevel: 3 });
  assert.equal(
    await codeOf(a.user.addNotificationAccount(by('boss', T2), account)),
    ERR.NoPermissionError,
    'an account of a system is a user, too',
  );
  a.tenants.put(settings);
});

test('account_check says who is registered, in order, and refuses repetitions', async () => {
  await register(a, { userID: 'acc1' });
  const ask = (...checkUserIDs: string[]) =>
    a.user.accountCheck(ADMIN, make('user.AccountCheckReq', { checkUserIDs }));
  const { results } = await ask('nope', 'acc1');
  assert.deepEqual(
    results.map((r) => [r.userID, r.accountStatus]),
    [
      ['nope', 0],
      ['acc1', 1],
    ],
  );
  assert.equal(await codeOf(ask('acc1', 'acc1')), ERR.ArgsError);
});

test('get_users_info leaves unknown users out and keeps the order', async () => {
  await register(a, { userID: 'info1' }, { userID: 'info2' });
  const request = make('user.GetDesignateUsersReq', { userIDs: ['info2', 'nope', 'info1', 'info2'] });
  const { usersInfo } = await a.user.getDesignateUsers(by('info1'), request);
  assert.deepEqual(
    usersInfo.map(({ userID }) => userID),
    ['info2', 'info1'],
  );
});

test('update_user_info applies what is set; friends and groups are notified of a new name', async () => {
  await register(a, { userID: 'upd1', faceURL: 'f', ex: 'e' });
  const change = (fields: Partial<Messages['sdkws.UserInfo']>, ctx = by('upd1')) =>
    a.user.updateUserInfo(
      ctx,
      make('user.UpdateUserInfoReq', { userInfo: make('sdkws.UserInfo', { userID: 'upd1', ...fields }) }),
    );
  await info(b, 'upd1');
  await change({ nickname: 'New', faceURL: '', appMangerLevel: 4, createTime: 1 });
  const found = await info(b, 'upd1');
  assert.deepEqual([found?.nickname, found?.faceURL, found?.ex, found?.appMangerLevel], ['New', 'f', 'e', 0]);
  assert.deepEqual(
    a.takeSent().map(({ request: n }) => [n.contentType, n.sessionType, n.sendID, n.recvID, n.detail]),
    [[1303, 1, 'upd1', 'upd1', '{"userID":"upd1"}']],
  );
  await eventually(() => assert.deepEqual(a.fanOut.toSorted(), ['group upd1', 'relation upd1']));
  await change({ ex: 'other' }, ADMIN);
  assert.deepEqual(a.takeSent().map(route), ['1303 imAdmin>upd1']);
  assert.equal(a.fanOut.length, 2, 'the name did not change');
  assert.equal(await codeOf(change({ ex: 'x' }, by('other'))), ERR.NoPermissionError);
});

test('new names of a user are limited, as all friends and groups are notified of them', async () => {
  await register(a, { userID: 'fickle' });
  const change = (fields: Partial<Messages['sdkws.UserInfo']>, ctx = by('fickle')) =>
    codeOf(
      a.user.updateUserInfo(
        ctx,
        make('user.UpdateUserInfoReq', { userInfo: make('sdkws.UserInfo', { userID: 'fickle', ...fields }) }),
      ),
    );
  let last: unknown;
  let changed = 0;
  // More may be done while the budget fills up again, so the number has no exact end.
  for (let n = 0; n < 100 && last !== ERR.TooManyRequests; n++) {
    last = await change({ nickname: `n${n}` });
    if (last !== ERR.TooManyRequests) changed = n + 1;
  }
  assert.equal(last, ERR.TooManyRequests);
  assert.ok(changed >= 10, `${changed} changes`);
  assert.equal((await info(a, 'fickle'))?.nickname, `n${changed - 1}`, 'what is refused changes nothing');
  await eventually(() => assert.equal(a.fanOut.length, 2 * changed, 'friends and groups, once for each'));
  assert.notEqual(
    await change({ nickname: `n${changed - 1}`, ex: 'e' }),
    ERR.TooManyRequests,
    'the same name',
  );
  assert.notEqual(await change({ nickname: 'by the admin' }, ADMIN), ERR.TooManyRequests);
});

test('update_user_info_ex sets what is given, empty texts too', async () => {
  await register(a, { userID: 'ex1', faceURL: 'f', ex: 'e', globalRecvMsgOpt: 1 });
  const change = (fields: Partial<Messages['sdkws.UserInfoWithEx']>, userID = 'ex1') => {
    const userInfo = make('sdkws.UserInfoWithEx', { userID, ...fields });
    return a.user.updateUserInfoEx(by(userID), make('user.UpdateUserInfoExReq', { userInfo }));
  };
  await change({ faceURL: '', globalRecvMsgOpt: 0 });
  const found = await info(a, 'ex1');
  assert.deepEqual(
    [found?.nickname, found?.faceURL, found?.ex, found?.globalRecvMsgOpt],
    ['ex1 N', '', 'e', 0],
  );
  assert.equal(await codeOf(change({ ex: 'x' }, 'nobody')), ERR.RecordNotFoundError);
});

test('set_global_msg_recv_opt is for oneself', async () => {
  await register(a, { userID: 'opt1' });
  const request = make('user.SetGlobalRecvMessageOptReq', { userID: 'opt1', globalRecvMsgOpt: 2 });
  assert.equal(await codeOf(a.user.setGlobalRecvMessageOpt(by('opt2'), request)), ERR.NoPermissionError);
  await a.user.setGlobalRecvMessageOpt(by('opt1'), request);
  assert.equal((await info(a, 'opt1'))?.globalRecvMsgOpt, 2);
  assert.equal(a.takeSent()[0]?.request.contentType, 1303);
  const unknown = make('user.SetGlobalRecvMessageOptReq', { userID: 'opt2', globalRecvMsgOpt: 2 });
  assert.equal(await codeOf(a.user.setGlobalRecvMessageOpt(by('opt2'), unknown)), ERR.RecordNotFoundError);
});

test('users are listed in order of registration, page by page, and found by parts of id or name', async () => {
  for (const name of ['Anna Müller', 'anne', 'BERT (x.*)', 'Zoë']) {
    await register(a, { userID: `list_${name.slice(0, 2)}`, nickname: name });
  }
  await register(a, { userID: 'list_app', nickname: 'annapp', appMangerLevel: 3 });
  const find = async (fields: { userID?: string; nickName?: string }, show = 10) => {
    const request = make('user.GetPaginationUsersReq', { pagination: page(1, show), ...fields });
    const { total, users } = await a.user.getPaginationUsers(by('u'), request);
    return [total, users.map(({ nickname }) => nickname)];
  };
  assert.deepEqual(await find({ nickName: 'ANN' }), [2, ['Anna Müller', 'anne']]);
  assert.deepEqual(await find({ nickName: 'müll' }), [1, ['Anna Müller']]);
  assert.deepEqual(await find({ nickName: '(x.*' }), [1, ['BERT (x.*)']]);
  assert.deepEqual(await find({ nickName: 'nobody at all' }), [0, []]);
  assert.deepEqual(await find({ userID: 'LIST_', nickName: 'zoë' }), [
    4,
    ['Anna Müller', 'anne', 'BERT (x.*)', 'Zoë'],
  ]);
  assert.deepEqual(await find({ userID: 'list_' }, 0), [4, []]);
  const ids = async (pageNumber: number) => {
    const request = make('user.GetAllUserIDReq', { pagination: page(pageNumber, 7) });
    return a.user.getAllUserID(by('u'), request);
  };
  const { total } = await ids(1);
  const all: string[] = [];
  for (let i = 1; (i - 1) * 7 < total; i++) all.push(...(await ids(i)).userIDs);
  assert.equal(new Set(all).size, total);
  assert.ok(all.indexOf('list_an') < all.indexOf('list_Zo'));
});

test('registrations are counted by UTC day', async () => {
  const now = Date.now();
  const request = make('user.UserRegisterCountReq', { start: now - 86_400_000, end: now + 1_000 });
  const { total, before, count } = await a.user.userRegisterCount(ADMIN, request);
  assert.equal(before, 0);
  assert.equal(
    Object.values(count).reduce((sum, n) => sum + n, 0),
    total,
  );
  assert.ok(Object.keys(count).every((day) => /^\d{4}-\d\d-\d\d$/.test(day)));
  const later = make('user.UserRegisterCountReq', { start: now + 5_000, end: now + 6_000 });
  assert.equal((await a.user.userRegisterCount(ADMIN, later)).before, total);
});

test('tenants do not see each other, whatever the placement', async () => {
  await register(a, { userID: 'mine' });
  assert.equal(await info(a, 'mine', by('boss', T2)), undefined);
  const request = make('user.GetAllUserIDReq', { pagination: page(1, 100) });
  const { userIDs } = await a.user.getAllUserID(by('boss', T2), request);
  assert.ok(userIDs.includes('boss') && !userIDs.includes('mine'));
  assert.notEqual(T1, T2);
});

test('the subscription routes of older clients do nothing', async () => {
  const subscribe = make('user.SubscribeOrCancelUsersStatusReq', { userID: 'u', userIDs: ['v'], genre: 1 });
  assert.deepEqual((await a.user.subscribeOrCancelUsersStatus(by('u'), subscribe)).statusList, []);
  const get = make('user.GetSubscribeUsersStatusReq', { userID: 'u' });
  assert.deepEqual((await a.user.getSubscribeUsersStatus(by('u'), get)).statusList, []);
});
