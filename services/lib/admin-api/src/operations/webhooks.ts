import { z } from 'zod';
import { id, nextCursor, page, queryTime, readReason, reason, time } from '../fields.ts';
import { operation } from '../operation.ts';

/** A delivery of an after-webhook that did not succeed at once. */
export const WebhookDelivery = z
  .object({
    deliveryID: z.string(),
    event: z.string(),
    state: z.enum(['waiting', 'dead']).meta({
      description: '`waiting` for another attempt, or `dead` after a day of attempts.',
    }),
    createTime: time,
    nextTime: time.meta({ description: 'The next attempt, ms; 0 for dead ones.' }),
    attempts: z.int(),
    outcome: z.string().meta({ description: 'How the last attempt ended.' }),
    status: z.int().meta({ description: 'HTTP status of the last attempt; 0 without an answer.' }),
    answer: z.string().meta({ description: 'Beginning of the last answer.' }),
    attemptTime: time.meta({ description: 'The last attempt, ms.' }),
  })
  .meta({ id: 'WebhookDelivery' });
/** A delivery of an after-webhook that did not succeed at once. */
export type WebhookDelivery = z.output<typeof WebhookDelivery>;

const event = z.string().min(1).max(64).meta({ description: 'Event, such as `afterSendSingleMsg`.' });
const deliveryID = z.strictObject({ deliveryID: id });

/** Deliveries that did not succeed at once. */
export const listWebhookDeliveries = operation({
  id: 'listWebhookDeliveries',
  method: 'GET',
  path: '/webhooks/deliveries',
  access: 'read',
  tag: 'webhooks',
  summary: 'List deliveries of after-webhooks that are dead or wait for another attempt, newest first.',
  query: z.strictObject({
    ...page(100),
    state: z.enum(['waiting', 'dead']).default('dead'),
    event: event.optional(),
    from: queryTime.optional().meta({ description: 'Handed over at this time or later, ms.' }),
    to: queryTime.optional().meta({ description: 'Handed over before this time, ms.' }),
  }),
  answer: z.object({ deliveries: z.array(WebhookDelivery), nextCursor }),
  perSecond: 20,
  console: { role: 'viewer' },
});

/** One delivery, with its body. */
export const getWebhookDelivery = operation({
  id: 'getWebhookDelivery',
  method: 'GET',
  path: '/webhooks/deliveries/{deliveryID}',
  access: 'read',
  tag: 'webhooks',
  summary: 'Get a delivery with its body, which may have the text of a message.',
  params: deliveryID,
  query: z.strictObject({ reason: readReason }),
  answer: z.object({ delivery: WebhookDelivery, body: z.string().meta({ description: 'JSON.' }) }),
  audit: { act: 'webhook.read', kind: 'webhookDelivery', param: 'deliveryID' },
  console: { role: 'moderator', reason: true },
});

/** Delivers one again. */
export const replayWebhookDelivery = operation({
  id: 'replayWebhookDelivery',
  method: 'POST',
  path: '/webhooks/deliveries/{deliveryID}/replay',
  access: 'write',
  tag: 'webhooks',
  summary: 'Give a delivery another day of attempts. It keeps its id.',
  params: deliveryID,
  body: z.strictObject({ reason }),
  answer: z.object({}),
  audit: { act: 'webhook.replay', kind: 'webhookDelivery', param: 'deliveryID' },
});

/** Delivers dead ones again. */
export const replayWebhooks = operation({
  id: 'replayWebhooks',
  method: 'POST',
  path: '/webhooks/replay',
  access: 'write',
  tag: 'webhooks',
  summary: 'Give all dead deliveries, or those of an event and a time, another day of attempts.',
  body: z.strictObject({
    event: event.optional(),
    from: time.optional().meta({ description: 'Handed over at this time or later, ms.' }),
    to: time.optional().meta({ description: 'Handed over before this time, ms.' }),
    reason,
  }),
  answer: z.object({ replayed: z.int() }),
  audit: { act: 'webhook.replay', kind: 'webhooks' },
  perSecond: 5,
});

/** Sends a sample to the receiver. */
export const testWebhook = operation({
  id: 'testWebhook',
  method: 'POST',
  path: '/webhooks/test',
  access: 'write',
  tag: 'webhooks',
  summary: "Send a sample of an event to the tenant's receiver.",
  body: z.strictObject({ event, reason }),
  answer: z.object({
    url: z.string(),
    outcome: z.string().meta({ description: '`answered`, or why there is no answer.' }),
    status: z.int().meta({ description: 'HTTP status; 0 without an answer.' }),
    answer: z.string().meta({ description: 'Beginning of the answer.' }),
    tookMs: z.int(),
  }),
  audit: { act: 'webhook.test', kind: 'webhooks' },
  perSecond: 5,
});
