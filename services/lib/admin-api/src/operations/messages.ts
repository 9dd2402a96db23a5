import { z } from 'zod';
import { id, nextCursor, page, queryTime, readReason, time } from '../fields.ts';
import { operation } from '../operation.ts';

/** Cursors name a place in a conversation, whose id may be long. */
const CURSOR_CHARS = 16_384;

/** A stored message. */
export const Message = z
  .object({
    conversationID: z.string(),
    seq: z.int(),
    sendID: z.string(),
    recvID: z.string().meta({ description: 'Receiver of a single chat.' }),
    groupID: z.string(),
    senderNickname: z.string(),
    clientMsgID: z.string(),
    serverMsgID: z.string(),
    sessionType: z.int(),
    contentType: z.int(),
    content: z.string(),
    sendTime: time,
    isRevoked: z.boolean(),
  })
  .meta({ id: 'Message' });
/** A stored message. */
export type Message = z.output<typeof Message>;

/** Messages of all conversations. */
export const searchMessages = operation({
  id: 'searchMessages',
  method: 'GET',
  path: '/messages',
  access: 'read',
  tag: 'messages',
  summary: 'Search the messages of all conversations.',
  description:
    'What is left out matches everything. One request looks for some seconds: a page may have fewer messages than `limit`, or none, and a `nextCursor` to go on. Texts are looked for message by message, so name what else is known. Each request is in the audit log before it reads.',
  query: z
    .strictObject({
      ...page(),
      cursor: page().cursor.unwrap().max(CURSOR_CHARS).optional(),
      conversationID: id.optional(),
      groupID: id.optional(),
      sendID: id.optional().meta({ description: 'Sender.' }),
      recvID: id.optional().meta({ description: 'Receiver of single chats.' }),
      contentType: z.coerce.number<number>().int().min(1).max(2_147_483_647).optional(),
      from: queryTime
        .optional()
        .meta({ description: 'Sent at this time or later; ms since 1970-01-01 UTC.' }),
      to: queryTime.optional().meta({ description: 'Sent before this time.' }),
      text: z
        .string()
        .min(1)
        .max(4_096)
        .optional()
        .meta({ description: 'In one of the texts of the message, in any case.' }),
      reason: readReason,
    })
    .refine(({ conversationID, groupID }) => conversationID === undefined || groupID === undefined, {
      path: ['groupID'],
      message: 'give conversationID or groupID, not both',
    })
    .refine(({ groupID, recvID }) => groupID === undefined || recvID === undefined, {
      path: ['recvID'],
      message: 'recvID is of single chats: give it or groupID',
    })
    .refine(({ from = 0, to }) => to === undefined || to > from, {
      path: ['to'],
      message: 'to must be after from',
    }),
  answer: z.object({
    messages: z.array(Message),
    examined: z.int().meta({ description: 'Messages that were looked at.' }),
    byTime: z.boolean().meta({
      description:
        'Newest first; false: conversation by conversation, in each the newest first, as without `cron.searchIndexes`.',
    }),
    nextCursor,
  }),
  audit: { act: 'message.search', kind: 'conversation', param: 'conversationID' },
  perSecond: 10,
  console: { role: 'moderator', reason: true },
});
