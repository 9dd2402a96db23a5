import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ERR, ImError, make } from '@im/protocol';
import { type Harness, startApi } from './harness.ts';

const headers = { token: 'admin-token' };

async function ask(api: Harness, method: 'GET' | 'POST' | 'DELETE', path: string, payload?: object) {
  const response = await api.app.inject({ method, url: `/admin/v1${path}`, headers, payload });
  return { status: response.statusCode, json: response.json() };
}

/** Requests of a method of a domain so far. */
function requests(api: Harness, name: string): Record<string, unknown>[] {
  return api.calls.filter(({ target }) => target === name).map(({ request }) => request);
}

/** Acts that were recorded, with their targets and reasons. */
function acts(api: Harness): unknown[][] {
  return requests(api, 'auth.addAuditRecord')
    .map(({ record }) => record as Record<string, unknown>)
    .map(({ act, targetKind, targetID, reason }) => [act, targetKind, targetID, reason]);
}

test('deliveries of webhooks are listed without bodies, and read one by one with a reason', async () => {
  await using api = await startApi();
  const delivery = make('third.WebhookDelivery', {
    id: 'evt_1',
    event: 'afterAddFriend',
    state: 'dead',
    body: '{}',
  });
  api.stub('third.searchWebhookDeliveries', (_ctx, { deliveryID }: { deliveryID: string }) => {
    if (deliveryID === 'evt_2') throw new ImError(ERR.RecordNotFoundError, 'there is no delivery evt_2');
    return make('third.SearchWebhookDeliveriesResp', { deliveries: [delivery], cursor: 'c' });
  });
  const list = await ask(
    api,
    'GET',
    '/webhooks/deliveries?state=waiting&event=afterAddFriend&from=1&to=9&limit=7',
  );
  const shown = {
    ...{ deliveryID: 'evt_1', event: 'afterAddFriend', state: 'dead', createTime: 0, nextTime: 0 },
    ...{ attempts: 0, outcome: '', status: 0, answer: '', attemptTime: 0 },
  };
  const nextCursor = Buffer.from('c').toString('base64url');
  assert.deepEqual(list, { status: 200, json: { deliveries: [shown], nextCursor } });
  assert.deepEqual(requests(api, 'third.searchWebhookDeliveries'), [
    {
      ...make('third.SearchWebhookDeliveriesReq', { state: 'waiting', event: 'afterAddFriend' }),
      ...{ startTime: 1, endTime: 9, limit: 7 },
    },
  ]);
  assert.equal((await ask(api, 'GET', '/webhooks/deliveries/evt_1')).json.error.field, 'reason');
  assert.deepEqual(acts(api), [], 'a list is no act, and what is refused none either');
  const one = await ask(api, 'GET', '/webhooks/deliveries/evt_1?reason=ticket');
  assert.deepEqual(one.json, { delivery: shown, body: '{}' });
  assert.equal((await ask(api, 'GET', '/webhooks/deliveries/evt_2?reason=ticket')).status, 404);
  assert.deepEqual(acts(api), [
    ['webhook.read', 'webhookDelivery', 'evt_1', 'ticket'],
    ['webhook.read', 'webhookDelivery', 'evt_2', 'ticket'],
  ]);
  assert.equal((await ask(api, 'GET', '/webhooks/deliveries?limit=101')).json.error.field, 'limit');
});

test('replays and tests of webhooks are acts', async () => {
  await using api = await startApi();
  api.stub('third.replayWebhookDeliveries', () => make('third.ReplayWebhookDeliveriesResp', { replayed: 3 }));
  api.stub('third.testWebhook', () =>
    make('third.TestWebhookResp', { url: 'http://r', outcome: 'answered' }),
  );
  assert.deepEqual(
    (await ask(api, 'POST', '/webhooks/deliveries/evt_1/replay', { reason: 'again' })).json,
    {},
  );
  const all = await ask(api, 'POST', '/webhooks/replay', { event: 'afterAddFriend', from: 5 });
  assert.deepEqual(all.json, { replayed: 3 });
  assert.deepEqual(
    requests(api, 'third.replayWebhookDeliveries').map((request) => ({ ...request })),
    [
      { ...make('third.ReplayWebhookDeliveriesReq', { deliveryID: 'evt_1' }) },
      { ...make('third.ReplayWebhookDeliveriesReq', { event: 'afterAddFriend' }), startTime: 5 },
    ],
  );
  const tested = await ask(api, 'POST', '/webhooks/test', { event: 'afterAddFriend' });
  assert.deepEqual(tested.json, { url: 'http://r', outcome: 'answered', status: 0, answer: '', tookMs: 0 });
  assert.equal((await ask(api, 'POST', '/webhooks/test', {})).json.error.field, 'event');
  assert.deepEqual(acts(api), [
    ['webhook.replay', 'webhookDelivery', 'evt_1', 'again'],
    ['webhook.replay', 'webhooks', '', ''],
    ['webhook.test', 'webhooks', '', ''],
  ]);
});

test('providers are tested for one user, device or address, on the record', async () => {
  await using api = await startApi();
  api.stub('third.testPush', () =>
    make('third.TestPushResp', {
      results: [make('third.PushTestResult', { userID: 'u1', kind: 'fcm', outcome: 'taken', id: 'n1' })],
      faults: ['apns: no key'],
    }),
  );
  const push = await ask(api, 'POST', '/push/test', { userID: 'u1', reason: 'silent phone' });
  assert.deepEqual(push.json, {
    results: [
      {
        ...{ userID: 'u1', platformID: 0, kind: 'fcm', token: '', provider: '', outcome: 'taken' },
        ...{ reason: '', notificationID: 'n1', afterMs: 0 },
      },
    ],
    faults: ['apns: no key'],
  });
  assert.equal(requests(api, 'third.testPush')[0]?.text, 'Test');
  for (const body of [{}, { userID: 'u1', token: 'apns:00' }])
    assert.equal((await ask(api, 'POST', '/push/test', body)).json.error.field, 'userID');
  api.stub('third.testVerification', () =>
    make('third.TestVerificationResp', {
      results: [make('third.VerificationTestResult', { provider: 'aliyun', outcome: 'sent', id: 'm1' })],
    }),
  );
  const code = await ask(api, 'POST', '/verification/test', { phone: '+8613800000000', language: 'zh' });
  assert.deepEqual(code.json.results, [
    { provider: 'aliyun', outcome: 'sent', reason: '', detail: '', messageID: 'm1' },
  ]);
  for (const body of [{}, { phone: '1', mail: 'a@b.org' }])
    assert.equal((await ask(api, 'POST', '/verification/test', body)).json.error.field, 'phone');
  assert.deepEqual(acts(api), [
    ['push.test', 'user', 'u1', 'silent phone'],
    ['verification.test', 'tenant', '', ''],
  ]);

  const token = `apns:${'0a'.repeat(30)}beef`;
  await ask(api, 'POST', '/push/test', { token });
  await ask(api, 'POST', '/verification/test', { mail: 'a@b.org' });
  const details = requests(api, 'auth.addAuditRecord').map(({ record }) =>
    JSON.parse((record as { details: string }).details),
  );
  assert.deepEqual(
    details.slice(1).map(({ phone, token: shown, mail }) => phone ?? shown ?? mail),
    ['…0000', '…beef', '…'],
  );
});

test('scheduled jobs are listed by name, page by page, and run on the record', async () => {
  await using api = await startApi();
  const job = (name: string) =>
    make('third.CronJob', {
      ...{ name, schedule: '7 4 * * *' },
      last: make('third.CronRun', { number: 2, outcome: 'ok' }),
    });
  api.stub('third.getCronJobs', (_ctx, { name }: { name: string }) => {
    if (name === 'none') throw new ImError(ERR.RecordNotFoundError, 'there is no such job');
    return make('third.GetCronJobsResp', { jobs: name === '' ? ['b', 'c', 'a'].map(job) : [job(name)] });
  });
  api.stub('third.runCronJob', () => make('third.RunCronJobResp', { afterNumber: 2 }));
  const first = await ask(api, 'GET', '/cron/jobs?limit=2');
  const last = await ask(api, 'GET', `/cron/jobs?limit=2&cursor=${first.json.nextCursor}`);
  const names = [first, last].map(({ json }) => json.jobs.map(({ name }: { name: string }) => name));
  assert.deepEqual([names, 'nextCursor' in last.json], [[['a', 'b'], ['c']], false]);
  const one = await ask(api, 'GET', '/cron/jobs/a');
  assert.deepEqual(one.json.job, {
    ...{ name: 'a', description: '', schedule: '7 4 * * *', nextTime: 0, announceTime: 0 },
    ...{ requested: false, lastSuccessTime: 0, failures: 0 },
    last: { number: 2, startTime: 0, durationMs: 0, outcome: 'ok', done: 0, error: '', report: '' },
  });
  assert.equal((await ask(api, 'GET', '/cron/jobs/none')).status, 404);
  const run = await ask(api, 'POST', '/cron/jobs/a/run', { reason: 'now' });
  assert.deepEqual(run, { status: 200, json: { afterNumber: 2 } });
  assert.deepEqual(acts(api), [['cron.run', 'cronJob', 'a', 'now']]);
});

test('connections are counted over gateways, and kicks name what they close', async () => {
  await using api = await startApi();
  api.stub('user.getConnectionCounts', () =>
    make('user.GetConnectionCountsResp', {
      gateways: [
        make('user.GatewayConnections', { gatewayID: 'g1', users: 2, platforms: { 5: 2, 1: 1 } }),
        make('user.GatewayConnections', { gatewayID: 'g2', users: 1, platforms: { 1: 1 } }),
      ],
    }),
  );
  const platform = (platformID: number, connections: number) => ({ platformID, connections });
  assert.deepEqual((await ask(api, 'GET', '/connections/count')).json, {
    ...{ connections: 4, users: 3, platforms: [platform(1, 2), platform(5, 2)] },
    gateways: [
      { gatewayID: 'g1', connections: 3, users: 2, platforms: [platform(1, 1), platform(5, 2)] },
      { gatewayID: 'g2', connections: 1, users: 1, platforms: [platform(1, 1)] },
    ],
  });
  await ask(api, 'DELETE', '/users/u1/connections/c1?reason=lost');
  await ask(api, 'DELETE', '/users/u1/connections?platformID=5');
  assert.equal(
    (await ask(api, 'DELETE', '/users/u1/connections?platformID=12')).json.error.field,
    'platformID',
  );
  assert.deepEqual(
    requests(api, 'user.kickConnections').map((request) => ({ ...request })),
    [
      { ...make('user.KickConnectionsReq', { userID: 'u1', connID: 'c1' }) },
      { ...make('user.KickConnectionsReq', { userID: 'u1', platformID: 5 }) },
    ],
  );
  assert.deepEqual(acts(api), [
    ['connection.kick', 'user', 'u1', 'lost'],
    ['connection.kick', 'user', 'u1', ''],
  ]);
});

test('messages that could not be stored are listed without what they say, read with a reason and retried on the record', async () => {
  await using api = await startApi();
  const letter = make('msg.DeadLetter', { id: '5:0', entry: 0, reason: 'refused', conversationID: 'si_a_b' });
  const damaged = make('msg.DeadLetter', { id: '6:-1', entry: -1, reason: 'damaged' });
  api.stub('msg.searchDeadLetters', () =>
    make('msg.SearchDeadLettersResp', { letters: [letter, damaged], cursor: '6:-1' }),
  );
  api.stub('msg.getDeadLetter', (_ctx, { id }: { id: string }) => {
    const message = make('sdkws.MsgData', { content: Buffer.from('{"content":"hi"}'), clientMsgID: 'c' });
    const found = id === '5:0' ? { ...letter, bytes: 99, message } : { ...damaged, bytes: 12 };
    return make('msg.GetDeadLetterResp', { letter: make('msg.DeadLetter', found) });
  });
  api.stub('msg.searchParked', () =>
    make('msg.SearchParkedResp', {
      parked: [make('msg.ParkedRecords', { conversation: 'a_b', partition: 3, reason: 'r', records: 2 })],
    }),
  );
  const list = await ask(api, 'GET', '/dead-letters?limit=2');
  const shown = {
    ...{ letterID: '5:0', isReadable: true, reason: 'refused', time: 0, retryTime: 0 },
    ...{ conversationID: 'si_a_b', sendID: '', contentType: 0 },
  };
  assert.deepEqual(list.json.letters[0], shown);
  assert.equal(list.json.letters[1].isReadable, false);
  assert.equal(list.json.nextCursor, Buffer.from('6:-1').toString('base64url'));
  assert.equal((await ask(api, 'GET', '/dead-letters/5:0')).json.error.field, 'reason');
  assert.deepEqual((await ask(api, 'GET', '/dead-letters/5%3A0?reason=ticket')).json, {
    ...{
      letter: shown,
      bytes: 99,
      content: '{"content":"hi"}',
      clientMsgID: 'c',
      serverMsgID: '',
      sendTime: 0,
    },
  });
  const unreadable = await ask(api, 'GET', '/dead-letters/6:-1?reason=ticket');
  assert.deepEqual([unreadable.status, unreadable.json.bytes, unreadable.json.content], [200, 12, '']);
  assert.deepEqual((await ask(api, 'POST', '/dead-letters/5:0/retry', { reason: 'mended' })).json, {});
  const parked = await ask(api, 'GET', '/parked');
  assert.deepEqual(parked.json.parked ?? parked.json, [
    { conversation: 'a_b', partition: 3, reason: 'r', since: 0, records: 2 },
  ]);
  assert.deepEqual(acts(api), [
    ['deadletter.read', 'deadLetter', '5:0', 'ticket'],
    ['deadletter.read', 'deadLetter', '6:-1', 'ticket'],
    ['deadletter.retry', 'deadLetter', '5:0', 'mended'],
  ]);
});
