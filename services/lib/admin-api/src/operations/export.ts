import { z } from 'zod';
import { id, page, readReason } from '../fields.ts';
import { operation } from '../operation.ts';

/** Kinds of lines, in their order. */
export const EXPORT_KINDS = [
  'profile',
  'clientConfig',
  'command',
  'friend',
  'friendRequest',
  'black',
  'group',
  'conversation',
  'message',
] as const;

/** A line of an export of a user: one entry of what is stored. */
export const ExportLine = z
  .object({
    kind: z.enum([...EXPORT_KINDS, 'progress', 'end']).meta({
      description:
        '`progress` has no data, and comes where much is looked at; `end` is the last line of a whole export.',
    }),
    cursor: z.string().meta({ description: '`cursor` of a request that goes on after this line.' }),
    data: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'ExportLine' });
/** A line of an export of a user: one entry of what is stored. */
export type ExportLine = z.output<typeof ExportLine>;

/** Most lines of one answer. */
const MAX_LINES = 100_000;

/** What is stored of a user. */
export const exportUser = operation({
  id: 'exportUser',
  method: 'GET',
  path: '/users/{userID}/export',
  access: 'read',
  tag: 'accounts',
  summary: 'Export what is stored of a user, with the messages that they sent.',
  description:
    'An answer that ends without a line of kind `end` goes on with the cursor of its last line, as does one that broke.',
  params: z.strictObject({ userID: id }),
  query: z.strictObject({
    ...page(MAX_LINES),
    limit: page(MAX_LINES).limit.default(10_000).meta({ description: 'Most lines of the answer.' }),
    reason: readReason,
  }),
  answer: ExportLine,
  stream: true,
  audit: { act: 'user.export', kind: 'user', param: 'userID' },
  perSecond: 10,
});
