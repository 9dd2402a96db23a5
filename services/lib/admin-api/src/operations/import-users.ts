import { z } from 'zod';
import { reason } from '../fields.ts';
import { operation } from '../operation.ts';

/** Most users of one request. */
const MOST = 500;

/** Registers users. */
export const importUsers = operation({
  id: 'importUsers',
  method: 'POST',
  path: '/users/import',
  access: 'write',
  tag: 'users',
  summary: 'Register users, leaving out those whose ID is taken; or say what would become of each.',
  description:
    'All users are checked before any is registered. The accounts have no token: backends issue them.',
  body: z.strictObject({
    users: z
      .array(
        z.strictObject({
          userID: z
            .string()
            .min(1)
            .max(64)
            // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it refuses
            .regex(/^[^\s:\u0000-\u001f]*$/, 'must have no spaces, colons or control characters'),
          nickname: z.string().max(64).default(''),
          faceURL: z.string().max(2_048).default(''),
          ex: z.string().max(4_096).default(''),
        }),
      )
      .min(1)
      .max(MOST),
    dryRun: z.boolean().default(false).meta({ description: 'Registers no user.' }),
    reason,
  }),
  answer: z.object({
    registered: z.int().meta({ description: 'Users who were registered; in a dry run, who would be.' }),
    takenUserIDs: z.array(z.string()).meta({ description: 'Left out, since their ID is taken.' }),
  }),
  audit: { act: 'user.import', kind: 'users' },
  perSecond: 5,
});
