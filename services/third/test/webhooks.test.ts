import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { tenantSettings } from '@im/contract';
import { close, listen } from '@im/kit';
import { make } from '@im/protocol';
import { webhookDeliveryRepo } from '@im/store';
import { as, describeDomain, refuses, TENANTS } from '@im/testing';
import { thirdService } from '../src/index.ts';

const [tenant, other] = TENANTS;
const domain = describeDomain(thirdService);
const admin = () => as(tenant, 'imAdmin', true);

const search = (fields: object, ctx = admin()) =>
  domain.third.searchWebhookDeliveries(ctx, make('third.SearchWebhookDeliveriesReq', fields));
const replay = (fields: object, ctx = admin()) =>
  domain.third.replayWebhookDeliveries(ctx, make('third.ReplayWebhookDeliveriesReq', fields));
const probe = (event: string) => domain.third.testWebhook(admin(), make('third.TestWebhookReq', { event }));

async function addDead(id: string, event: string, createdMs: number): Promise<void> {
  const head = { v: 1, id, event, operationID: 'op', createdMs };
  await webhookDeliveryRepo(domain.store).add(tenant, [
    {
      ...{ id, event, createdMs, state: 'dead', dueMs: 0 },
      last: { outcome: 'status 500', status: 500, answer: 'no', at: createdMs + 5, attempts: 12 },
      payload: Buffer.from(`${JSON.stringify(head)}\n{"a":1}`),
    },
  ]);
}

test('dead deliveries are listed by pages, shown with their body, and replayed', async () => {
  await addDead('evt_1', 'afterAddFriend', 1_000);
  await addDead('evt_2', 'afterQuitGroup', 2_000);
  await addDead('evt_3', 'afterQuitGroup', 3_000);
  const first = await search({ limit: 2 });
  assert.deepEqual(
    first.deliveries.map(({ id, attempts, status, answer, body }) => ({
      id,
      attempts,
      status,
      answer,
      body,
    })),
    ['evt_3', 'evt_2'].map((id) => ({ id, attempts: 12, status: 500, answer: 'no', body: '' })),
  );
  const second = await search({ limit: 2, cursor: first.cursor });
  assert.deepEqual([second.deliveries.map(({ id }) => id), second.cursor], [['evt_1'], '']);
  assert.deepEqual((await search({ event: 'afterQuitGroup', endTime: 3_000 })).deliveries.length, 1);
  const [one] = (await search({ deliveryID: 'evt_1' })).deliveries;
  assert.equal(one?.body, '{"a":1}');
  assert.equal((await search({}, as(other, 'imAdmin', true))).deliveries.length, 0);
  assert.equal((await replay({ deliveryID: 'evt_1' })).replayed, 1);
  assert.equal((await replay({ event: 'afterQuitGroup', startTime: 2_500 })).replayed, 1);
  const waiting = await search({ state: 'waiting' });
  assert.deepEqual(waiting.deliveries.map(({ id }) => id).toSorted(), ['evt_1', 'evt_3']);
});

test('what does not exist, is not valid, or is not allowed is refused', async () => {
  await refuses(1004, search({ deliveryID: 'evt_none' }));
  await refuses(1004, replay({ deliveryID: 'evt_none' }));
  await refuses(1001, search({ state: 'done' }));
  await refuses(1001, search({ event: 'afterLunch' }));
  await refuses(1001, search({ limit: 101 }));
  await refuses(1001, search({ startTime: 2, endTime: 1 }));
  await refuses(1002, search({}, as(tenant, 'a')));
  await refuses(1002, replay({}, as(tenant, 'a')));
  await refuses(1001, probe('afterLunch'));
  await refuses(1001, probe('afterAddFriend'));
});

test('a sample reaches the receiver, and its answer comes back', async () => {
  const server = createServer((_, response) => response.writeHead(418).end('a teapot'));
  const port = await listen(server, '127.0.0.1', 0);
  const settings = domain.tenants.get(tenant);
  assert.ok(settings);
  const url = `http://127.0.0.1:${port}`;
  domain.tenants.put(tenantSettings({ ...settings, webhooks: { url } }));
  const { outcome, status, answer } = await probe('afterAddFriend').finally(async () => {
    server.closeAllConnections();
    await close(server);
  });
  assert.deepEqual({ outcome, status, answer }, { outcome: 'answered', status: 418, answer: 'a teapot' });
  const failed = await probe('afterAddFriend');
  assert.equal(failed.status, 0);
  assert.match(failed.outcome, /ECONNREFUSED|socket hang up/);
});
