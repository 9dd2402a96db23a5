import { z } from 'zod';
import { id, nextCursor, page, reason, time } from '../fields.ts';
import { operation } from '../operation.ts';

/** The deletion of an account, as far as it is. */
export const AccountDeletion = z
  .object({
    userID: z.string(),
    mode: z.enum(['delete', 'anonymize']),
    erase: z.boolean(),
    adminID: z.string(),
    state: z.enum(['running', 'done']),
    step: z.string().meta({ description: 'What it is at; empty when it is done.' }),
    removed: z
      .record(z.string(), z.int())
      .meta({ description: 'Entries removed so far, by step; repeated parts count again.' }),
    requestTime: time,
    finishTime: time.meta({ description: 'ms; 0 before.' }),
    attempts: z.int().meta({ description: 'Failures since the last progress; it is tried again by itself.' }),
    error: z.string().meta({ description: 'The last failure.' }),
  })
  .meta({ id: 'AccountDeletion' });
/** The deletion of an account, as far as it is. */
export type AccountDeletion = z.output<typeof AccountDeletion>;

const userID = z.strictObject({ userID: id });

/** Deletes an account. */
export const deleteUser = operation({
  id: 'deleteUser',
  method: 'POST',
  path: '/users/{userID}/deletion',
  access: 'write',
  tag: 'accounts',
  summary: 'Delete or anonymize an account, in the background.',
  description:
    'Logins end at once, for good. The same request again answers with the progress; it begins another run only for what a finished one left. The id is not given again.',
  params: userID,
  body: z.strictObject({
    mode: z
      .enum(['delete', 'anonymize'])
      .default('delete')
      .meta({ description: '`delete` removes the profile, `anonymize` leaves it with `nickname` alone.' }),
    erase: z
      .boolean()
      .default(false)
      .meta({ description: 'Also takes the content of sent messages away, and removes uploaded files.' }),
    nickname: z
      .string()
      .min(1)
      .max(64)
      .default('Deleted account')
      .meta({ description: 'Name that others see from now on.' }),
    reason,
  }),
  answer: z.object({ deletion: AccountDeletion }),
  audit: { act: 'user.delete', kind: 'user', param: 'userID' },
  perSecond: 20,
});

/** The progress of a deletion. */
export const getUserDeletion = operation({
  id: 'getUserDeletion',
  method: 'GET',
  path: '/users/{userID}/deletion',
  access: 'read',
  tag: 'accounts',
  summary: 'Get the progress of a deletion.',
  params: userID,
  answer: z.object({ deletion: AccountDeletion }),
  console: { role: 'viewer' },
});

/** Deleted accounts. */
export const listDeletions = operation({
  id: 'listDeletions',
  method: 'GET',
  path: '/deletions',
  access: 'read',
  tag: 'accounts',
  summary: 'List deleted accounts, newest first.',
  query: z.strictObject(page()),
  answer: z.object({ deletions: z.array(AccountDeletion), nextCursor }),
  perSecond: 20,
  console: { role: 'viewer' },
});
