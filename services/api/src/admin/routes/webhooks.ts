import {
  getWebhookDelivery,
  listWebhookDeliveries,
  replayWebhookDelivery,
  replayWebhooks,
  testWebhook,
  type WebhookDelivery,
} from '@im/admin-api';
import { make, type third } from '@im/protocol';
import { type AdminRoute, adminRoute } from '../admin-route.ts';
import { fromOpaque, opaque } from '../cursor.ts';

function deliveryOf(delivery: third.WebhookDelivery): WebhookDelivery {
  const { id, event, state, createTime, nextTime, attempts, outcome, status, answer, attemptTime } = delivery;
  return {
    ...{ deliveryID: id, event, createTime, nextTime, attempts, outcome, status, answer, attemptTime },
    state: state === 'waiting' ? 'waiting' : 'dead',
  };
}

/** Webhooks of a tenant. */
export const webhookRoutes: readonly AdminRoute[] = [
  adminRoute(listWebhookDeliveries, 'third.searchWebhookDeliveries', async ({ ctx, rpc }, { query }) => {
    const { state, event = '', from = 0, to = 0, limit, cursor } = query;
    const asked = { state, event, startTime: from, endTime: to, limit, cursor: fromOpaque(cursor) };
    const request = make('third.SearchWebhookDeliveriesReq', asked);
    const found = await rpc.client('third').searchWebhookDeliveries(ctx, request);
    return { deliveries: found.deliveries.map(deliveryOf), ...opaque(found.cursor) };
  }),
  adminRoute(getWebhookDelivery, 'third.searchWebhookDeliveries', async ({ ctx, rpc }, { params }) => {
    const request = make('third.SearchWebhookDeliveriesReq', params);
    const { deliveries } = await rpc.client('third').searchWebhookDeliveries(ctx, request);
    const [found = make('third.WebhookDelivery')] = deliveries;
    return { delivery: deliveryOf(found), body: found.body };
  }),
  adminRoute(replayWebhookDelivery, 'third.replayWebhookDeliveries', async ({ ctx, rpc }, { params }) => {
    const request = make('third.ReplayWebhookDeliveriesReq', params);
    await rpc.client('third').replayWebhookDeliveries(ctx, request);
    return {};
  }),
  adminRoute(replayWebhooks, 'third.replayWebhookDeliveries', async ({ ctx, rpc }, { body }) => {
    const { event = '', from = 0, to = 0 } = body;
    const asked = { event, startTime: from, endTime: to };
    const request = make('third.ReplayWebhookDeliveriesReq', asked);
    const { replayed } = await rpc.client('third').replayWebhookDeliveries(ctx, request);
    return { replayed };
  }),
  adminRoute(testWebhook, 'third.testWebhook', async ({ ctx, rpc }, { body: { event } }) => {
    const answered = await rpc.client('third').testWebhook(ctx, make('third.TestWebhookReq', { event }));
    const { url, outcome, status, answer, tookMs } = answered;
    return { url, outcome, status, answer, tookMs };
  }),
];
