import { z } from 'zod';
import { page, queryTime, readReason } from '../fields.ts';
import { operation } from '../operation.ts';

/** Kinds of lines of an export of a tenant, in their order. */
export const TENANT_EXPORT_KINDS = [
  'user',
  'group',
  'member',
  'friend',
  'black',
  'conversation',
  'message',
  'object',
] as const;
/** A kind of lines of an export of a tenant. */
export type TenantExportKind = (typeof TENANT_EXPORT_KINDS)[number];

/** A line of an export of a tenant: one entry of what is stored. */
export const TenantExportLine = z
  .object({
    kind: z.enum([...TENANT_EXPORT_KINDS, 'progress', 'end']).meta({
      description:
        '`progress` has no data, and comes where much is looked at; `end` is the last line of a whole export.',
    }),
    cursor: z.string().meta({ description: '`cursor` of a request that goes on after this line.' }),
    data: z.record(z.string(), z.unknown()).meta({
      description:
        'A message has its conversation, seq, sender, times and `content` as text; `revoked`, `removed` and `deletedFor` say what became of it. An object has its name, size, type and uploader; its bytes are had by its URL.',
    }),
  })
  .meta({ id: 'TenantExportLine' });
/** A line of an export of a tenant: one entry of what is stored. */
export type TenantExportLine = z.output<typeof TenantExportLine>;

/** Most lines of one answer. */
const MAX_LINES = 100_000;

/** Everything that is stored of a tenant. */
export const exportTenant = operation({
  id: 'exportTenant',
  method: 'GET',
  path: '/export',
  access: 'read',
  tag: 'accounts',
  summary: 'Export users, groups, relations, conversations, messages and the list of objects of the tenant.',
  description:
    'Not a snapshot: what changes meanwhile is in it as it is when its turn comes. Tokens, secrets and keys are never in it. An answer that ends without a line of kind `end` goes on with the cursor of its last line, as does one that broke. It is read at the pace at which it is taken, and takes turns with searches.',
  query: z.strictObject({
    ...page(MAX_LINES),
    limit: page(MAX_LINES).limit.default(10_000).meta({ description: 'Most lines of the answer.' }),
    since: queryTime.default(0).meta({
      description:
        'Messages and objects from before this time are left out, ms; all else is in it as a whole.',
    }),
    reason: readReason,
  }),
  answer: TenantExportLine,
  stream: true,
  audit: { act: 'tenant.export', kind: 'tenant' },
  perSecond: 2,
});
