import { z } from 'zod';
import { id, nextCursor, page, readReason, reason, time } from '../fields.ts';
import { operation } from '../operation.ts';

/** A message that was accepted and could not be stored. */
export const DeadLetter = z
  .object({
    letterID: z.string().meta({ description: 'Position in the log, and which message of the record.' }),
    isReadable: z.boolean().meta({ description: 'false: the record is damaged, or of a newer version.' }),
    reason: z.string().meta({ description: 'Why it could not be stored.' }),
    time: time.meta({ description: 'When it was kept, ms.' }),
    retryTime: time.meta({ description: 'When a retry began whose end is not known, ms; 0: none.' }),
    conversationID: z.string().meta({ description: 'Empty where it is not known.' }),
    sendID: z.string(),
    contentType: z.int(),
  })
  .meta({ id: 'DeadLetter' });
/** A message that was accepted and could not be stored. */
export type DeadLetter = z.output<typeof DeadLetter>;

/** What is not stored for the time being. */
export const ParkedRecords = z
  .object({
    conversation: z.string().meta({
      description:
        'What follows the kind in the ids of the chat and of its notifications; empty: all of the tenant.',
    }),
    partition: z.int(),
    reason: z.string().meta({ description: 'Why they could not be stored.' }),
    since: time,
    records: z.int().meta({ description: 'Records that wait.' }),
  })
  .meta({ id: 'ParkedRecords' });
/** What is not stored for the time being. */
export type ParkedRecords = z.output<typeof ParkedRecords>;

const letterID = z.strictObject({ letterID: id });

/** Messages that could not be stored. */
export const listDeadLetters = operation({
  id: 'listDeadLetters',
  method: 'GET',
  path: '/dead-letters',
  access: 'read',
  tag: 'messages',
  summary:
    'List messages that were accepted and could not be stored, in the order of the log, the last ones first.',
  description: 'In their place conversations have an empty message. What they say is left out.',
  query: z.strictObject(page(100)),
  answer: z.object({ letters: z.array(DeadLetter), nextCursor }),
  perSecond: 10,
  console: { role: 'viewer' },
});

/** One of them, with what it says. */
export const getDeadLetter = operation({
  id: 'getDeadLetter',
  method: 'GET',
  path: '/dead-letters/{letterID}',
  access: 'read',
  tag: 'messages',
  summary: 'Get a message that could not be stored, with what it says.',
  params: letterID,
  query: z.strictObject({ reason: readReason }),
  answer: z.object({
    letter: DeadLetter,
    bytes: z.int().meta({ description: 'Bytes of the record.' }),
    content: z.string().meta({ description: 'Empty for a record that cannot be read.' }),
    clientMsgID: z.string(),
    serverMsgID: z.string(),
    sendTime: time,
  }),
  audit: { act: 'deadletter.read', kind: 'deadLetter', param: 'letterID' },
  perSecond: 10,
  console: { role: 'moderator', reason: true },
});

/** Stores it after all. */
export const retryDeadLetter = operation({
  id: 'retryDeadLetter',
  method: 'POST',
  path: '/dead-letters/{letterID}/retry',
  access: 'write',
  tag: 'messages',
  summary:
    'Append a message that could not be stored to the log again. It becomes the newest of its conversation.',
  description:
    'What still cannot be stored becomes a dead letter again, with another id. A retry that is repeated within ten minutes stores nothing twice.',
  params: letterID,
  body: z.strictObject({ reason }),
  answer: z.object({}),
  audit: { act: 'deadletter.retry', kind: 'deadLetter', param: 'letterID' },
});

/** What is not stored for the time being. */
export const listParked = operation({
  id: 'listParked',
  method: 'GET',
  path: '/parked',
  access: 'read',
  tag: 'messages',
  summary: 'List conversations whose messages cannot be stored for the time being, or the whole tenant.',
  description:
    'Their records wait in order and are tried again every 30 seconds at the latest; new messages are refused with 90004 meanwhile.',
  query: z.strictObject(page(100)),
  answer: z.object({ parked: z.array(ParkedRecords), nextCursor }),
  perSecond: 10,
  console: { role: 'viewer' },
});
