import { z } from 'zod';
import { time } from '../fields.ts';
import { operation } from '../operation.ts';

/** Most days of a period. */
export const USAGE_DAYS = 366;

const date = z.iso.date().meta({ description: 'Day in the time zone of the tenant, YYYY-MM-DD' });
const count = (description: string) => z.int().meta({ description });

/** What a tenant has, and what it did in a period. */
export const Usage = z
  .object({
    from: date,
    to: date,
    users: count('Accounts, at the last count of the period.'),
    connections: count('Connections now.'),
    messages: count('Messages of single chats and groups in the period.'),
    messagesToday: count('The same of the last day of the period.'),
    throttled: count('Requests that limits refused in the period; at most a minute old.'),
    throttledToday: count('The same of the last day of the period.'),
    registrations: count('Accounts made in the period.'),
    peakUsers: count('Most users online at once in the period.'),
    peakConnections: count('Most connections at once in the period.'),
    storageBytes: count('Bytes of stored objects, at the last count of the period.'),
    storageByteDays: count('Sum of the bytes at the last count of each day, for charging.'),
    quotas: z
      .object({ users: z.int(), connections: z.int(), storageBytes: z.int() })
      .meta({ description: 'The limits of the tenant; 0 is none.' }),
    exceeded: z
      .array(z.enum(['users', 'connections', 'storageBytes']))
      .meta({ description: 'Quotas that are used up.' }),
    countedTo: time.meta({
      description:
        'Messages stored before this time are counted, ms; 0 before the first count has ended: then the figures, but for `connections` and those of refusals, are not known yet.',
    }),
  })
  .meta({ id: 'Usage' });
/** What a tenant has, and what it did in a period. */
export type Usage = z.output<typeof Usage>;

/** Usage of a tenant against its quotas. */
export const getUsage = operation({
  id: 'getUsage',
  method: 'GET',
  path: '/usage',
  access: 'read',
  tag: 'statistics',
  summary: 'Get what the tenant uses, against its quotas.',
  description: `Figures are those of the daily statistics. At most ${USAGE_DAYS} days.`,
  query: z
    .strictObject({
      from: date.optional().meta({ description: 'First day; by default the first of the month of `to`.' }),
      to: date
        .optional()
        .meta({ description: 'Last day; by default today, in the time zone of the tenant.' }),
    })
    .refine(({ from, to }) => from === undefined || to === undefined || from <= to, {
      path: ['to'],
      message: 'to must not be before from',
    }),
  answer: z.object({ usage: Usage }),
  perSecond: 10,
  console: { role: 'viewer' },
});
