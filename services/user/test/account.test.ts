import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ERR, type Messages, make } from '@im/protocol';
import { codeOf } from '@im/testing';
import { by, describeUsers, MOST_COMMANDS, page, register } from './harness.ts';

const [a, b] = describeUsers();
const ADMIN = by('imAdmin');

test('notification accounts are made, renamed and found', async () => {
  const add = (fields: Partial<Messages['user.AddNotificationAccountReq']>) =>
    a.user.addNotificationAccount(
      ADMIN,
      make('user.AddNotificationAccountReq', { nickName: 'News', appMangerLevel: 3, ...fields }),
    );
  const { userID } = await add({});
  assert.match(userID, /^[1-9]\d{9}$/);
  await add({ userID: 'robot', nickName: 'Robot', appMangerLevel: 4, faceURL: 'f' });
  assert.equal(await codeOf(add({ userID: 'robot' })), ERR.ArgsError);
  assert.equal(await codeOf(add({ appMangerLevel: 2 })), ERR.ArgsError);
  const rename = (fields: Partial<Messages['user.UpdateNotificationAccountInfoReq']>) =>
    codeOf(
      a.user.updateNotificationAccountInfo(ADMIN, make('user.UpdateNotificationAccountInfoReq', fields)),
    );
  assert.equal(await rename({ userID: 'robot', nickName: 'Marvin' }), 0);
  assert.equal(await rename({ userID: 'robot' }), ERR.ArgsError);
  assert.equal(await rename({ userID: 'nobody', nickName: 'x' }), ERR.ArgsError);
  const search = async (keyword: string, appManagerLevel: number | null = null) => {
    const request = make('user.SearchNotificationAccountReq', {
      keyword,
      appManagerLevel,
      pagination: page(1, 10),
    });
    const { total, notificationAccounts } = await a.user.searchNotificationAccount(ADMIN, request);
    assert.equal(total, notificationAccounts.length);
    return notificationAccounts.map(({ nickName }) => nickName);
  };
  assert.deepEqual(await search('robot'), ['Marvin']);
  assert.deepEqual(await search('Marvin'), ['Marvin']);
  assert.deepEqual(await search('marvin'), []);
  assert.deepEqual(await search('imAdmin'), []);
  assert.deepEqual(await search('', 4), ['Marvin']);
  assert.deepEqual(await search('', 2), []);
  assert.ok((await search('')).includes('News'));
});

test('user commands keep value and ex apart, and notify the other devices', async () => {
  const ctx = by('cmd1');
  const key = { userID: 'cmd1', type: 8, uuid: 'x1' };
  await a.user.processUserCommandAdd(
    ctx,
    make('user.ProcessUserCommandAddReq', { ...key, value: 'v', ex: 'e' }),
  );
  await a.user.processUserCommandAdd(
    ctx,
    make('user.ProcessUserCommandAddReq', { ...key, type: 9, uuid: 'x2' }),
  );
  await a.user.processUserCommandUpdate(
    ctx,
    make('user.ProcessUserCommandUpdateReq', { ...key, value: 'w' }),
  );
  await a.user.processUserCommandUpdate(
    ctx,
    make('user.ProcessUserCommandUpdateReq', { ...key, uuid: 'none' }),
  );
  const get = make('user.ProcessUserCommandGetReq', { userID: 'cmd1', type: 8 });
  const { CommandResp: found } = await b.user.processUserCommandGet(ctx, get);
  assert.deepEqual(
    found.map((c) => [c.type, c.uuid, c.value, c.ex]),
    [[8, 'x1', 'w', 'e']],
  );
  assert.ok(Math.abs((found[0]?.createTime ?? 0) - Date.now() / 1000) < 10, 'seconds');
  const all = make('user.ProcessUserCommandGetAllReq', { userID: 'cmd1' });
  assert.equal((await a.user.processUserCommandGetAll(ctx, all)).CommandResp.length, 2);
  const sent = a.takeSent();
  assert.deepEqual(
    sent.map(({ request }) => request.contentType),
    [1305, 1305, 1307],
  );
  assert.equal(sent[0]?.request.detail, '{"fromUserID":"cmd1","toUserID":"cmd1"}');
  const remove = make('user.ProcessUserCommandDeleteReq', key);
  await a.user.processUserCommandDelete(ctx, remove);
  assert.equal(await codeOf(a.user.processUserCommandDelete(ctx, remove)), ERR.RecordNotFoundError);
  const update = make('user.ProcessUserCommandUpdateReq', { ...key, value: 'w' });
  assert.equal(await codeOf(a.user.processUserCommandUpdate(ctx, update)), ERR.RecordNotFoundError);
  assert.equal(await codeOf(a.user.processUserCommandGetAll(by('cmd2'), all)), ERR.NoPermissionError);
});

test('users do not see commands of a user whose id begins with theirs', async () => {
  const add = (userID: string) =>
    a.user.processUserCommandAdd(
      by(userID),
      make('user.ProcessUserCommandAddReq', { userID, type: 1, uuid: 'x' }),
    );
  await add('pre');
  await add('prefix');
  const all = make('user.ProcessUserCommandGetAllReq', { userID: 'pre' });
  assert.equal((await a.user.processUserCommandGetAll(by('pre'), all)).CommandResp.length, 1);
});

test('a user keeps a limited number of commands, over all types', async () => {
  const userID = 'full';
  const add = (n: number) =>
    a.user.processUserCommandAdd(
      by(userID),
      make('user.ProcessUserCommandAddReq', { userID, type: n, uuid: `x${n}`, value: 'v' }),
    );
  for (let n = 1; n <= MOST_COMMANDS; n++) await add(n);
  await assert.rejects(add(MOST_COMMANDS + 1), {
    code: ERR.ArgsError,
    detail: /limits\.userCommands.*delete/,
  });
  // What is kept already may be replaced, and room is made by deleting.
  await add(1);
  const gone = make('user.ProcessUserCommandDeleteReq', { userID, type: 1, uuid: 'x1' });
  await a.user.processUserCommandDelete(by(userID), gone);
  await add(MOST_COMMANDS + 1);
  const all = make('user.ProcessUserCommandGetAllReq', { userID });
  assert.equal((await a.user.processUserCommandGetAll(by(userID), all)).CommandResp.length, MOST_COMMANDS);
});

test('client settings: for all users, for one user, by page', async () => {
  await register(a, { userID: 'conf1' });
  const set = (userID: string, configs: Record<string, string>) =>
    a.user.setUserClientConfig(ADMIN, make('user.SetUserClientConfigReq', { userID, configs }));
  await set('', { theme: 'dark', 'a.b$c': '1' });
  await set('', { theme: 'light' });
  await set('conf1', { theme: 'blue' });
  const get = (userID: string, ctx = by('conf1')) =>
    a.user.getUserClientConfig(ctx, make('user.GetUserClientConfigReq', { userID }));
  assert.deepEqual((await get('')).configs, { theme: 'light', 'a.b$c': '1' });
  assert.deepEqual((await get('conf1')).configs, { theme: 'blue' });
  assert.equal(await codeOf(get('conf1', by('conf2'))), ERR.NoPermissionError);
  assert.equal(await codeOf(get('nobody', ADMIN)), ERR.RecordNotFoundError);
  const list = async (userID: string, key: string) => {
    const request = make('user.PageUserClientConfigReq', { userID, key, pagination: page(1, 10) });
    const { total, configs } = await a.user.pageUserClientConfig(ADMIN, request);
    return [total, configs.map((c) => `${c.userID}/${c.key}=${c.value}`)];
  };
  assert.deepEqual(await list('', ''), [3, ['/a.b$c=1', '/theme=light', 'conf1/theme=blue']]);
  assert.deepEqual(await list('', 'theme'), [2, ['/theme=light', 'conf1/theme=blue']]);
  await a.user.delUserClientConfig(
    ADMIN,
    make('user.DelUserClientConfigReq', { userID: '', keys: ['theme', 'none'] }),
  );
  assert.deepEqual(await list('', ''), [2, ['/a.b$c=1', 'conf1/theme=blue']]);
});
