import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ERR, make, type msg } from '@im/protocol';
import { startApi } from './harness.ts';

const headers = { token: 'admin-token' };
const DAY_MS = 86_400_000;

async function start() {
  const api = await startApi();
  const get = async (path: string) => {
    const { statusCode, json } = await api.app.inject({
      method: 'GET',
      url: `/admin/v1/statistics/${path}`,
      headers,
    });
    return { status: statusCode, json: json() };
  };
  return { api, get, [Symbol.asyncDispose]: () => api[Symbol.asyncDispose]() };
}

test('days come as dates, page by page, thirty by default', async () => {
  await using started = await start();
  const { api, get } = started;
  const asked: msg.GetStatisticsDaysReq[] = [];
  api.stub('msg.getStatisticsDays', (_ctx, request: msg.GetStatisticsDaysReq) => {
    asked.push(request);
    const days = Array.from({ length: request.lastDay - request.firstDay + 1 }, (_, i) =>
      make('msg.StatisticsDay', { day: request.firstDay + i, single: i, types: { 101: i } }),
    );
    return make('msg.GetStatisticsDaysResp', { days: days.slice(0, request.limit), countedTo: 7 });
  });
  const first = await get('days?from=2024-02-28&to=2024-03-01&limit=2');
  assert.deepEqual(
    [
      first.json.days.map(({ date }: { date: string }) => date),
      first.json.countedTo,
      first.json.days[1].types,
    ],
    [['2024-02-28', '2024-02-29'], 7, { 101: 1 }],
  );
  const last = await get(`days?from=2024-02-28&to=2024-03-01&limit=2&cursor=${first.json.nextCursor}`);
  assert.deepEqual([last.json.days.length, last.json.days[0].date], [1, '2024-03-01']);
  assert.equal('nextCursor' in last.json, false);
  await get('days');
  const [, , usual] = asked;
  assert.equal((usual?.lastDay ?? 0) - (usual?.firstDay ?? 0), 29);
  assert.ok(Math.abs((usual?.lastDay ?? 0) - Date.now() / DAY_MS) < 2);
});

test('wrong days and cursors are refused by name', async () => {
  await using started = await start();
  const refused = {
    'days?from=2024-03-01&to=2024-02-01': 'to',
    'days?from=2024-02-30': 'from',
    'days?to=yesterday': 'to',
    'users?order=any': 'order',
    'days?limit=501': 'limit',
    'days?cursor=eHg': 'cursor',
    'days?from=2024-02-01&to=2024-02-02&cursor=MjAwMDA': 'cursor',
    'users?from=2999-01-01': 'from',
  };
  for (const [path, field] of Object.entries(refused)) {
    const { status, json } = await started.get(path);
    assert.deepEqual([status, json.error.code, json.error.field], [400, ERR.ArgsError, field], path);
  }
});

test('users and groups are ranked for whole days', async () => {
  await using started = await start();
  const { api, get } = started;
  api.stub('msg.getActiveUser', (_ctx, { start, end, ase, group, pagination }: msg.GetActiveUserReq) => {
    assert.deepEqual(
      [start, end, ase, group],
      [Date.parse('2024-02-01'), Date.parse('2024-02-03'), true, true],
    );
    assert.deepEqual({ ...pagination }, { pageNumber: 1, showNumber: 1 });
    const user = make('sdkws.UserInfo', { userID: 'a', nickname: 'A' });
    const users = [make('msg.ActiveUser', { user, count: 5 })];
    return make('msg.GetActiveUserResp', { users, userCount: 2, msgCount: 9 });
  });
  api.stub('msg.getActiveGroup', () => {
    const group = make('sdkws.GroupInfo', { groupID: 'g', groupName: 'G' });
    const groups = [make('msg.ActiveGroup', { group, count: 4 })];
    return make('msg.GetActiveGroupResp', { groups, groupCount: 1, msgCount: 4 });
  });
  const { json } = await get('users?from=2024-02-01&to=2024-02-02&order=least&limit=1');
  assert.deepEqual(json.users, [{ userID: 'a', nickname: 'A', messages: 5 }]);
  assert.deepEqual([json.total, json.active, typeof json.nextCursor], [9, 2, 'string']);
  const groups = await get('groups');
  assert.deepEqual(groups.json, {
    groups: [{ groupID: 'g', groupName: 'G', messages: 4 }],
    total: 4,
    active: 1,
    countedTo: 0,
  });
});

test("days are those of the tenant's time zone", async () => {
  await using started = await start();
  const { api, get } = started;
  const [tenant] = api.tenants.list();
  assert.ok(tenant);
  api.tenants.put({ ...tenant, statistics: { timeZone: 'Asia/Shanghai' } });
  const asked: msg.GetActiveUserReq[] = [];
  api.stub('msg.getActiveUser', (_ctx, request: msg.GetActiveUserReq) => {
    asked.push(request);
    return make('msg.GetActiveUserResp');
  });
  assert.equal((await get('users?from=2024-02-01&to=2024-02-02')).status, 200);
  assert.deepEqual(
    asked.map(({ start: first, end }) => [first, end]),
    [[Date.parse('2024-01-31T16:00Z'), Date.parse('2024-02-02T16:00Z')]],
  );
});
