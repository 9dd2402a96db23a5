import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ERR, make, type msg } from '@im/protocol';
import { startApi } from './harness.ts';

const DAY_MS = 86_400_000;
const dayOf = (date: string) => Date.parse(date) / DAY_MS;
const figures = (date: string, more: object) => make('msg.StatisticsDay', { day: dayOf(date), ...more });

test('usage adds up the days of a period, and names the quotas that are used up', async () => {
  await using api = await startApi();
  const settings = api.tenants.list().find(({ id }) => id === 'default');
  assert.ok(settings);
  api.tenants.put({ ...settings, quotas: { ...settings.quotas, users: 12, storageBytes: 1_000 } });
  const days = [
    figures('2026-02-01', {
      ...{ single: 3, group: 4, notification: 99, registrations: 10, users: 10 },
      ...{ peakConnections: 7, storageBytes: 100, throttled: 4 },
    }),
    figures('2026-02-03', {
      ...{ single: 1, group: 1, registrations: 2, users: 12, peakConnections: 5 },
      ...{ storageBytes: 300, throttled: 5 },
    }),
    // One that is not counted yet.
    figures('2026-02-04', { throttled: 6 }),
  ];
  api.stub('msg.getStatisticsDays', (_ctx, { firstDay, lastDay }: msg.GetStatisticsDaysReq) =>
    make('msg.GetStatisticsDaysResp', {
      days: days.filter(({ day }) => day >= firstDay && day <= lastDay),
      countedTo: 5,
    }),
  );
  const gateway = { gatewayID: 'g', users: 2, platforms: { 1: 2, 5: 1 } };
  api.stub('user.getConnectionCounts', () =>
    make('user.GetConnectionCountsResp', { gateways: [make('user.GatewayConnections', gateway)] }),
  );
  const get = async (query: string, token = 'admin-token') => {
    const response = await api.app.inject({ url: `/admin/v1/usage?${query}`, headers: { token } });
    return { status: response.statusCode, json: response.json() };
  };
  const { json } = await get('to=2026-02-03');
  assert.deepEqual(json.usage, {
    ...{ from: '2026-02-01', to: '2026-02-03', users: 12, connections: 3, messages: 9, messagesToday: 2 },
    ...{
      throttled: 9,
      throttledToday: 5,
      registrations: 12,
      peakUsers: 0,
      peakConnections: 7,
      storageBytes: 300,
      storageByteDays: 400,
    },
    ...{ quotas: { users: 12, connections: 0, storageBytes: 1_000 }, exceeded: ['users'], countedTo: 5 },
  });
  assert.deepEqual(
    api.calls.filter(({ target }) => target === 'msg.getStatisticsDays').map(({ request }) => request),
    [{ firstDay: dayOf('2026-02-01'), lastDay: dayOf('2026-02-03'), limit: 366 }],
  );
  const { usage: ofToday } = (await get('to=2026-02-04')).json;
  assert.partialDeepStrictEqual(ofToday, { messagesToday: 0, throttledToday: 6, users: 12 });
  assert.equal((await get('to=2026-02-02')).json.usage.messagesToday, 0, 'no figures of that day');
  for (const query of [
    'from=2026-02-03&to=2026-02-01',
    'from=2020-01-01&to=2026-01-01',
    'from=x',
    'from=9999-01-01',
  ])
    assert.equal((await get(query)).json.error?.code, ERR.ArgsError, query);
  assert.equal((await get('', 'u1-token')).status, 403);
});

test('a tenant whose last account was deleted has no users, once that is counted', async () => {
  await using api = await startApi();
  const settings = api.tenants.list().find(({ id }) => id === 'default');
  assert.ok(settings);
  // There the day of the count has begun, which in UTC is the one before.
  api.tenants.put({ ...settings, statistics: { ...settings.statistics, timeZone: 'Asia/Shanghai' } });
  const usage = async (countedTo: number) => {
    const days = [
      figures('2026-02-03', { users: 12, storageBytes: 300 }),
      figures('2026-02-04', { throttled: 6 }),
    ];
    api.stub('msg.getStatisticsDays', () => make('msg.GetStatisticsDaysResp', { days, countedTo }));
    const url = '/admin/v1/usage?to=2026-02-04';
    const { users, storageBytes } = (await api.app.inject({ url, headers: { token: 'admin-token' } })).json()
      .usage;
    return [users, storageBytes];
  };
  assert.deepEqual(await usage(Date.parse('2026-02-03T17:00:00Z')), [0, 0]);
  assert.deepEqual(await usage(Date.parse('2026-02-03T15:00:00Z')), [12, 300], 'the day is not counted yet');
  assert.deepEqual(await usage(0), [12, 300]);
});
