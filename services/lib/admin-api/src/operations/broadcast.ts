import { z } from 'zod';
import { id, nextCursor, page, reason, time } from '../fields.ts';
import { operation } from '../operation.ts';

/** Most receivers that one broadcast names. */
const MOST_NAMED = 500;

/** A text to many users, as far as it is sent. */
export const Broadcast = z
  .object({
    broadcastID: z.string(),
    senderID: z.string(),
    text: z.string(),
    toAll: z.boolean().meta({ description: 'All users get it, and not those that were named.' }),
    adminID: z.string(),
    state: z.enum(['running', 'done', 'cancelled']),
    total: z.int().meta({ description: 'Receivers that were counted when it began.' }),
    sent: z.int(),
    skipped: z.int().meta({ description: 'Banned or deleted meanwhile, and the sender.' }),
    failed: z.int().meta({ description: 'Those whom it did not reach.' }),
    failedUserIDs: z.array(z.string()).meta({ description: 'The first 1,000 of them; not in lists.' }),
    requestTime: time,
    finishTime: time.meta({ description: 'ms; 0 before.' }),
    attempts: z.int().meta({ description: 'Failures since the last progress; it is tried again by itself.' }),
    error: z.string().meta({ description: 'The last failure.' }),
  })
  .meta({ id: 'Broadcast' });
/** A text to many users, as far as it is sent. */
export type Broadcast = z.output<typeof Broadcast>;

const broadcastID = z
  .string()
  .regex(/^[\w-]{1,64}$/, 'must be 1 to 64 letters, digits, _ or -')
  .meta({ description: 'Chosen by the caller.' });
const params = z.strictObject({ broadcastID });

/** Sends one text to many users. */
export const startBroadcast = operation({
  id: 'startBroadcast',
  method: 'POST',
  path: '/broadcasts',
  access: 'write',
  tag: 'messages',
  summary: 'Send a text to users who are named, or to all of them, in the background.',
  description:
    'Each receiver gets it once, whatever fails meanwhile; the same request again answers with the progress. Banned users and the sender are left out. At most 200 messages per second are sent, and half of `quotas.messagesPerSecond`; broadcasts of a tenant are sent one after the other, ten may wait. They are kept for 90 days.',
  body: z.strictObject({
    broadcastID,
    senderID: id.meta({ description: 'A user, such as a notification account.' }),
    text: z.string().min(1).max(5_000),
    userIDs: z
      .array(id)
      .min(1)
      .max(MOST_NAMED)
      .optional()
      .meta({ description: 'Receivers; absent: all users.' }),
    dryRun: z.boolean().default(false).meta({ description: 'Counts receivers, and sends nothing.' }),
    reason,
  }),
  answer: z.object({
    broadcast: Broadcast.optional().meta({ description: 'Absent for a dry run.' }),
    receivers: z.int().meta({ description: 'Users who will get it, banned ones included.' }),
    unknownUserIDs: z.array(z.string()).meta({ description: 'Of `userIDs`, those that are no users.' }),
  }),
  audit: { act: 'message.broadcast', kind: 'broadcast', param: 'broadcastID' },
  perSecond: 5,
});

/** How far a broadcast is. */
export const getBroadcast = operation({
  id: 'getBroadcast',
  method: 'GET',
  path: '/broadcasts/{broadcastID}',
  access: 'read',
  tag: 'messages',
  summary: 'Get the progress of a broadcast.',
  params,
  answer: z.object({ broadcast: Broadcast }),
});

/** Broadcasts of the last 90 days, the newest first. */
export const listBroadcasts = operation({
  id: 'listBroadcasts',
  method: 'GET',
  path: '/broadcasts',
  access: 'read',
  tag: 'messages',
  summary: 'List broadcasts, newest first.',
  query: z.strictObject(page(100)),
  answer: z.object({ broadcasts: z.array(Broadcast), nextCursor }),
  perSecond: 20,
});

/** Ends a broadcast. */
export const cancelBroadcast = operation({
  id: 'cancelBroadcast',
  method: 'POST',
  path: '/broadcasts/{broadcastID}/cancel',
  access: 'write',
  tag: 'messages',
  summary: 'End a broadcast: those who have it keep it, others do not get it.',
  description: 'A hundred messages that are under way may still arrive.',
  params,
  body: z.strictObject({ reason }),
  answer: z.object({ broadcast: Broadcast }),
  audit: { act: 'message.broadcast.cancel', kind: 'broadcast', param: 'broadcastID' },
  perSecond: 5,
});
