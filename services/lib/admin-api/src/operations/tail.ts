import { z } from 'zod';
import { id, readReason, time } from '../fields.ts';
import { operation } from '../operation.ts';

/** What a delivery is. */
export const TAIL_EVENTS = ['message', 'notification', 'transient'] as const;

/** What is known of a delivery without its content. */
export const TailEvent = z
  .object({
    time,
    event: z.enum([...TAIL_EVENTS, 'missed', 'alive']).meta({
      description:
        '`message`; `notification` of the system; `transient`, such as typing; `missed`: `count` others are not shown, as they came too fast; `alive`: nothing came.',
    }),
    count: z.int().meta({ description: 'Events that it stands for.' }),
    conversationID: z.string(),
    seq: z.int().meta({ description: 'Place in the conversation; 0 of transient ones.' }),
    sendID: z.string(),
    recvID: z.string().meta({ description: 'The user of a delivery to a user.' }),
    groupID: z.string().meta({ description: 'The group of a delivery to a group.' }),
    sessionType: z.int(),
    contentType: z.int(),
    senderPlatformID: z.int(),
    bytes: z.int().meta({ description: 'Size of the message.' }),
    again: z.boolean().meta({ description: 'It may have been delivered before.' }),
    operationID: z.string().meta({ description: 'Of the request that sent it, for logs and traces.' }),
  })
  .meta({ id: 'TailEvent' });
/** What is known of a delivery without its content. */
export type TailEvent = z.output<typeof TailEvent>;

/** Deliveries as they happen. */
export const tailEvents = operation({
  id: 'tailEvents',
  method: 'GET',
  path: '/tail',
  access: 'read',
  tag: 'messages',
  summary: 'Watch messages and notifications as they are delivered, without their content, for five minutes.',
  description:
    'A line for each, at least one every ten seconds. Ask again after the last line; what happens in between is not shown. A process answers 10 of these at once, 3 of one tenant, and shows 1,000 events per second of a tenant: of more the number is told, as of those that a reader does not take in time. Reading slows no delivery.',
  query: z.strictObject({
    userID: id.optional().meta({ description: 'Sent by, or delivered to, this user alone.' }),
    conversationID: id.optional(),
    contentType: z.coerce.number<number>().int().min(1).max(2_147_483_647).optional(),
    event: z.enum(TAIL_EVENTS).optional(),
    reason: readReason,
  }),
  answer: TailEvent,
  stream: true,
  live: true,
  audit: { act: 'message.tail', kind: 'tenant' },
  console: { role: 'moderator', reason: true },
  perSecond: 5,
});
