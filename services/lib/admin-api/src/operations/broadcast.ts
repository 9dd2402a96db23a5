import { z } from 'zod';
import { id, reason } from '../fields.ts';
import { operation } from '../operation.ts';

/** Most receivers of one request. */
const MOST = 500;

/** Sends one message to many users, page by page. */
export const sendBroadcast = operation({
  id: 'sendBroadcast',
  method: 'POST',
  path: '/broadcast',
  access: 'write',
  tag: 'messages',
  summary: 'Send a text to users who are named, or to the next page of all of them.',
  description:
    'Each receiver gets it once, however often a page is sent again with the same `broadcastID`. Ask with `cursor` for the next page until there is none; deleted and banned users and the sender are left out. Messages count for the limits of the tenant.',
  body: z.strictObject({
    broadcastID: z
      .string()
      .regex(/^[\w-]{1,64}$/, 'must be 1 to 64 letters, digits, _ or -')
      .meta({ description: 'Chosen by the caller; the same for all pages.' }),
    senderID: id.meta({ description: 'A user, such as a notification account.' }),
    text: z.string().min(1).max(5_000),
    userIDs: z
      .array(id)
      .min(1)
      .max(MOST)
      .optional()
      .meta({ description: 'Receivers; absent: all users, page by page.' }),
    limit: z.int().min(1).max(MOST).default(200).meta({ description: 'Most receivers of the page.' }),
    cursor: z.string().max(1_024).optional().meta({ description: '`nextCursor` of the page before.' }),
    dryRun: z.boolean().default(false).meta({ description: 'Counts receivers, and sends nothing.' }),
    reason,
  }),
  answer: z.object({
    receivers: z.int().meta({ description: 'Users of the page who get it.' }),
    sent: z.int(),
    failed: z.array(z.object({ userID: z.string() })),
    unknownUserIDs: z.array(z.string()).meta({ description: 'Of `userIDs`, those that are no users.' }),
    nextCursor: z.string().optional().meta({ description: 'Absent on the last page.' }),
  }),
  audit: { act: 'message.broadcast', kind: 'broadcast', param: 'broadcastID' },
  perSecond: 5,
});
