import { z } from 'zod';
import { id, nextCursor, page, reason, time } from '../fields.ts';
import { operation } from '../operation.ts';

/** A token of a backend, without the token itself. */
export const BackendToken = z
  .object({
    tokenID: z.string(),
    role: z.string().meta({ description: 'issue, read or full.' }),
    description: z.string(),
    adminID: z.string().meta({ description: 'The administrator in whose name it acts.' }),
    createTime: time,
    expireTime: time,
    revokeTime: time.optional().meta({ description: 'ms; absent while it is not revoked.' }),
  })
  .meta({ id: 'BackendToken' });
/** A token of a backend, without the token itself. */
export type BackendToken = z.output<typeof BackendToken>;

const DAY_SECONDS = 86_400;

/** Issues a token of a backend. */
export const createBackendToken = operation({
  id: 'createBackendToken',
  method: 'POST',
  path: '/tokens',
  access: 'grant',
  tag: 'tokens',
  summary: 'Issue a token for a backend, with a part of the rights of administrators.',
  description:
    'Role `issue` issues tokens of users, `read` reads, `full` does all but issue such tokens. For the HTTP API alone. A token that has a role issues none.',
  body: z.strictObject({
    role: z.enum(['issue', 'read', 'full']),
    lifeSeconds: z
      .int()
      .min(60)
      .max(30 * DAY_SECONDS)
      .default(3_600)
      .meta({ description: 'Until it expires.' }),
    description: z
      .string()
      .max(200)
      .default('')
      .meta({ description: 'What it is for, such as the name of the backend.' }),
    reason,
  }),
  answer: z.object({ token: z.string(), issued: BackendToken }),
  audit: { act: 'token.create', kind: 'token' },
  perSecond: 10,
  console: { role: 'never' },
});

/** Tokens of backends, newest first. */
export const listBackendTokens = operation({
  id: 'listBackendTokens',
  method: 'GET',
  path: '/tokens',
  access: 'read',
  tag: 'tokens',
  summary: 'List the tokens of backends, newest first, those that expired within 7 days included.',
  query: z.strictObject(page()),
  answer: z.object({ tokens: z.array(BackendToken), nextCursor }),
  perSecond: 20,
});

/** Ends a token of a backend. */
export const revokeBackendToken = operation({
  id: 'revokeBackendToken',
  method: 'DELETE',
  path: '/tokens/{tokenID}',
  access: 'grant',
  tag: 'tokens',
  summary: 'Revoke a token of a backend; every process refuses it from then on.',
  params: z.strictObject({ tokenID: id }),
  query: z.strictObject({ reason }),
  answer: z.object({ ended: BackendToken }),
  audit: { act: 'token.revoke', kind: 'token', param: 'tokenID' },
});
