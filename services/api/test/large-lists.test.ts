import assert from 'node:assert/strict';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import type { CallContext } from '@im/kit';
import { largestStored, make, manyFields, type sdkws, type user } from '@im/protocol';
import { RPC_ROUTES } from '../src/routes/index.ts';
import { ADMIN, startApi } from './harness.ts';

/** `rpc.maxAnswerBytes`. */
const ANSWER_BYTES = 67_108_864;
/** Entries that one answer of a route can have which asks for them in one call, and why no more. */
const ENTRIES: Readonly<Record<string, number>> = {
  // As many as ids in the request.
  '/user/account_check': 1_000,
  '/user/get_users_online_status': 1_000,
  '/user/get_users_online_token_detail': 1_000,
  '/user/subscribe_users_status': 1_000,
  '/user/get_users_status': 1_000,
  '/user/get_subscribe_users_status': 1_000,
  '/group/get_group_abstract_info': 1_000,
  // Of two users, and of one.
  '/friend/get_designated_friend_apply': 2,
  '/group/get_specified_user_group_request_info': 1,
  // What a version log keeps.
  '/friend/get_incremental_blacks': 201,
  '/friend/get_incremental_friends': 201,
  '/group/get_incremental_join_groups': 201,
  '/group/get_incremental_group_members': 201,
  '/conversation/get_incremental_conversations': 201,
  // 10,000 part numbers in the largest request.
  '/object/auth_sign': 10_000,
  '/object/initiate_form_data': 10,
  // Administrators, who must ask for less.
  '/msg/search_msg': 500,
  '/statistics/user/active': 1_000,
  '/statistics/group/active': 250,
};
/** Cut by their bytes where they are made, or refused there with what to do instead. */
const BUDGETED = new Set([
  '/user/process_user_command_get',
  '/user/process_user_command_get_all',
  '/conversation/get_all_conversations',
  '/jssdk/get_conversations',
  '/jssdk/get_active_conversations',
]);

test('the largest entries of every list fit into an answer', () => {
  const tooLarge: string[] = [];
  for (const { path, response, split } of RPC_ROUTES) {
    const { entries } = manyFields(response);
    if (entries.size === 0 || BUDGETED.has(path)) continue;
    const [entry] = [...entries.values()].sort((a, b) => largestStored(b) - largestStored(a));
    assert.ok(entry);
    const most = split?.entries ?? ENTRIES[path];
    assert.ok(most !== undefined, `${path} needs a split or an entry here`);
    if (most * largestStored(entry) > ANSWER_BYTES) tooLarge.push(`${path}: ${most} of ${entry}`);
  }
  assert.deepEqual(tooLarge, []);
});

/** A profile as large as clients may make it: three bytes of UTF-8 per character. */
function largest(userID: string): sdkws.UserInfo {
  const text = (length: number) => '\u4e2d'.repeat(length);
  return make('sdkws.UserInfo', { userID, nickname: text(1_024), faceURL: text(2_048), ex: text(16_384) });
}

test('1,000 profiles of the largest size come by ids and by pages, whole and in order', async () => {
  await using api = await startApi({ remote: true });
  const asked: number[] = [];
  api.stub('user.getDesignateUsers', (_ctx: CallContext, { userIDs }: user.GetDesignateUsersReq) => {
    asked.push(userIDs.length);
    return make('user.GetDesignateUsersResp', { usersInfo: userIDs.map(largest) });
  });
  const userIDs = Array.from({ length: 1_000 }, (_, i) => `u${i}`);
  const byIDs = await api.post('/user/get_users_info', { userIDs: ['u0', ...userIDs.slice(0, -1)] });
  const { usersInfo } = byIDs.json.data as { usersInfo: sdkws.UserInfo[] };
  assert.deepEqual([byIDs.json.errCode, usersInfo.map(({ userID }) => userID)], [0, userIDs.slice(0, -1)]);
  assert.ok(usersInfo.every(({ ex }) => ex.length === 16_384));
  assert.deepEqual(asked, [573, 426]);

  // Pages of 1,000: the second one of 2,300 users.
  api.stub('user.getPaginationUsers', (_ctx: CallContext, { pagination }: user.GetPaginationUsersReq) => {
    const { pageNumber = 0, showNumber = 0 } = pagination ?? {};
    const first = (pageNumber - 1) * showNumber;
    const users = Array.from({ length: Math.max(0, Math.min(showNumber, 2_300 - first)) }, (_, i) =>
      largest(`u${first + i}`),
    );
    return make('user.GetPaginationUsersResp', { total: 2_300, users });
  });
  const page = async (pageNumber: number, showNumber: number) => {
    const { json } = await api.post('/user/get_users', { pagination: { pageNumber, showNumber } });
    const { total, users } = json.data as { total: number; users: sdkws.UserInfo[] | null };
    assert.deepEqual([json.errCode, total], [0, 2_300]);
    return users?.map(({ userID }) => Number(userID.slice(1))) ?? null;
  };
  const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
  assert.deepEqual(await page(2, 1_000), range(1_000, 2_000));
  assert.deepEqual(await page(3, 1_000), range(2_000, 2_300), 'a short page at the end');
  assert.deepEqual(await page(4, 1_000), null);
  assert.deepEqual(await page(2, 997), range(997, 1_994), 'a size that no smaller one divides');
});

test('a list in one answer that is larger than a message between processes comes too', async () => {
  await using api = await startApi({ remote: true });
  const value = '\u0001'.repeat(16_384);
  api.stub('user.processUserCommandGetAll', () =>
    make('user.ProcessUserCommandGetAllResp', {
      CommandResp: Array.from({ length: 1_500 }, (_, i) =>
        make('user.AllCommandInfoResp', { uuid: `c${i}`, value }),
      ),
    }),
  );
  const { json, headers } = await api.post('/user/process_user_command_get_all', { userID: 'u1' });
  const { CommandResp: found } = json.data as { CommandResp: user.AllCommandInfoResp[] };
  assert.equal(found.length, 1_500);
  assert.ok(found.every((command, i) => command.uuid === `c${i}` && command.value === value));
  assert.equal(headers['content-length'], undefined, 'written in parts');
  // Above the limit of one answer: the error names the remedy.
  api.stub('user.processUserCommandGetAll', () =>
    make('user.ProcessUserCommandGetAllResp', {
      CommandResp: Array.from({ length: 5_000 }, () => make('user.AllCommandInfoResp', { value })),
    }),
  );
  const refused = await api.post('/user/process_user_command_get_all', { userID: 'u1' });
  assert.equal(refused.json.errCode, 1001);
  assert.match(refused.json.errDlt, /exceeds rpc.maxAnswerBytes .*; ask for fewer entries at once/);
});

test('what is made of a large answer waits for its reader, and few are under way at once', async () => {
  await using api = await startApi();
  let made = 0;
  api.stub('user.getPaginationUsers', (_ctx: CallContext, { pagination }: user.GetPaginationUsersReq) => {
    made++;
    const count = pagination?.showNumber ?? 0;
    return make('user.GetPaginationUsersResp', {
      total: 100_000,
      users: Array.from({ length: count }, (_, i) => largest(`u${i}`)),
    });
  });
  await api.app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = api.app.server.address() as AddressInfo;
  const ask = (gzip: boolean) => {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const request = httpRequest(
      {
        ...{ port, host: '127.0.0.1', method: 'POST', path: '/user/get_users', agent: false },
        headers: {
          ...{ operationID: 'op', token: ADMIN.token, 'content-type': 'application/json' },
          ...(gzip && { 'accept-encoding': 'gzip' }),
        },
      },
      resolve,
    );
    request.on('error', reject);
    request.end(JSON.stringify({ pagination: { pageNumber: 1, showNumber: 2_000 } }));
    return promise;
  };
  const slow = await Promise.all([ask(false), ask(false), ask(false), ask(false)]);
  const before = made;
  // None of them reads: no more is made for them, and the user's next one is refused.
  await new Promise((resolve) => setTimeout(resolve, 500));
  assert.ok(made - before <= 4, `${made - before} more calls`);
  const refused = await api.post(
    '/user/get_users',
    { pagination: { pageNumber: 1, showNumber: 2_000 } },
    ADMIN,
  );
  assert.equal(refused.json.errCode, 429);
  for (const response of slow) response.destroy();
  const gauge = async () => (await api.metrics.values('openim_api_large_answers'))[0]?.value;
  for (let i = 0; i < 500 && (await gauge()) !== 0; i++)
    await new Promise((resolve) => setTimeout(resolve, 10));
  assert.equal(await gauge(), 0);
  const chunks: Buffer[] = [];
  for await (const chunk of await ask(true)) chunks.push(chunk as Buffer);
  const text = gunzipSync(Buffer.concat(chunks)).toString();
  const { data } = JSON.parse(text) as { data: { users: unknown[] } };
  assert.equal(data.users.length, 2_000);
});
