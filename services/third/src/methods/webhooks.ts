import { isWebhookEvent } from '@im/contract';
import { requireAdmin } from '@im/kit';
import { argsError, ERR, ImError, make, type third } from '@im/protocol';
import type { WebhookDelivery, WebhookDeliveryQuery, WebhookState } from '@im/store';
import { decodeDelivery } from '@im/webhooks';
import type { ThirdDeps, ThirdMethods } from '../deps.ts';

const PAGE = 100;

/** What administrators see of their tenant's webhooks. */
export function webhookMethods({
  webhooks,
  webhookDeliveries: repo,
}: ThirdDeps): ThirdMethods<'searchWebhookDeliveries' | 'replayWebhookDeliveries' | 'testWebhook'> {
  return {
    async searchWebhookDeliveries(ctx, req) {
      requireAdmin(ctx);
      if (req.deliveryID !== '') {
        const found = await repo.get(ctx.tenant, req.deliveryID);
        if (!found) throw noSuchDelivery(req.deliveryID);
        const { body } = await decodeDelivery(found.payload);
        return make('third.SearchWebhookDeliveriesResp', { deliveries: [entryOf(found, body)] });
      }
      if (req.limit < 0 || req.limit > PAGE) throw argsError(`limit must be 0 to ${PAGE}`);
      const query = { ...spanOf(req), state: stateOf(req.state) };
      const limit = req.limit === 0 ? PAGE : req.limit;
      const { deliveries, next = '' } = await repo.list(ctx.tenant, query, limit, req.cursor || undefined);
      const entries = deliveries.map((delivery) => entryOf(delivery));
      return make('third.SearchWebhookDeliveriesResp', { deliveries: entries, cursor: next });
    },

    async replayWebhookDeliveries(ctx, req) {
      requireAdmin(ctx);
      const now = Date.now();
      if (req.deliveryID === '') {
        const replayed = await repo.replay(ctx.tenant, { ...spanOf(req), state: 'dead' }, now);
        return make('third.ReplayWebhookDeliveriesResp', { replayed });
      }
      if (!(await repo.replayOne(ctx.tenant, req.deliveryID, now))) throw noSuchDelivery(req.deliveryID);
      return make('third.ReplayWebhookDeliveriesResp', { replayed: 1 });
    },

    async testWebhook(ctx, { event }) {
      requireAdmin(ctx);
      if (!isWebhookEvent(event)) throw argsError(`event: there is no webhook ${event}`);
      return make('third.TestWebhookResp', await webhooks.probe(ctx, event));
    },
  };
}

function stateOf(state: string): WebhookState {
  if (state === '' || state === 'dead') return 'dead';
  if (state === 'waiting') return 'waiting';
  throw argsError('state must be waiting or dead');
}

function spanOf({
  event,
  startTime,
  endTime,
}: Pick<third.SearchWebhookDeliveriesReq, 'event' | 'startTime' | 'endTime'>): Omit<
  WebhookDeliveryQuery,
  'state'
> {
  if (event !== '' && !isWebhookEvent(event)) throw argsError(`event: there is no webhook ${event}`);
  if (endTime !== 0 && startTime > endTime) throw argsError('startTime is after endTime');
  return {
    ...(event !== '' && { event }),
    ...(startTime !== 0 && { from: startTime }),
    ...(endTime !== 0 && { to: endTime }),
  };
}

function entryOf(
  { id, event, state, createdMs, dueMs, last }: WebhookDelivery,
  body = '',
): third.WebhookDelivery {
  const { attempts, outcome, status = 0, answer = '', at } = last;
  return make('third.WebhookDelivery', {
    ...{ id, event, state, createTime: createdMs, nextTime: state === 'waiting' ? dueMs : 0 },
    ...{ attempts, outcome, status, answer, attemptTime: at, body },
  });
}

function noSuchDelivery(id: string): ImError {
  return new ImError(
    ERR.RecordNotFoundError,
    `there is no webhook delivery ${id}: it was delivered or is gone`,
  );
}
