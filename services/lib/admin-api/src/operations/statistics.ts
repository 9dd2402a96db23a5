import { z } from 'zod';
import { nextCursor, page, time } from '../fields.ts';
import { operation } from '../operation.ts';

/** Most days of a page, and of a ranking. */
const MAX_DAYS = 500;

/** A day. */
const date = z.iso.date().meta({ description: 'Day in the time zone of the tenant, YYYY-MM-DD' });

const count = (description: string) => z.int().meta({ description });

/** Figures of one day, in the time zone of the tenant. */
export const StatisticsDay = z
  .object({
    date,
    single: count('Messages of single chats.'),
    group: count('Messages of groups.'),
    notification: count('Notifications and system messages.'),
    types: z.record(z.string(), z.int()).meta({
      description: 'Messages by content type; types that OpenIM does not name are `other`.',
    }),
    activeUsers: count('Users who sent a message to a single chat or a group.'),
    activeGroups: count('Groups in which a message was sent.'),
    registrations: count('Accounts made on the day.'),
    users: count('Accounts at the end of the day; of today at the last count.'),
    groupsCreated: count('Groups made on the day.'),
    groups: count('Groups at the end of the day, dismissed ones included.'),
    peakUsers: count(
      'Most users online at once, as sampled twice a minute; those on two gateways count twice.',
    ),
    peakConnections: count('Most connections at once, as sampled twice a minute.'),
    storageBytes: count('Bytes of stored objects at the last count of the day.'),
    storageObjects: count('Stored objects, as counted last; once a day.'),
    throttled: count('Requests that limits refused; at most a minute old.'),
  })
  .meta({ id: 'StatisticsDay' });
/** Figures of one day, in the time zone of the tenant. */
export type StatisticsDay = z.output<typeof StatisticsDay>;

const countedTo = time.meta({
  description:
    'Messages stored before this time are counted, ms; 0 before the first count has ended: then figures of messages are not known yet.',
});

const period = {
  from: date.optional().meta({ description: 'First day; by default 29 days before `to`.' }),
  to: date.optional().meta({ description: 'Last day; by default today, in the time zone of the tenant.' }),
};
const inOrder = {
  path: ['to'],
  message: 'to must not be before from',
};
const isInOrder = ({ from, to }: { readonly from?: string; readonly to?: string }) =>
  from === undefined || to === undefined || from <= to;

/** Daily figures. */
export const listStatisticsDays = operation({
  id: 'listStatisticsDays',
  method: 'GET',
  path: '/statistics/days',
  access: 'read',
  tag: 'statistics',
  summary: 'List the figures of each day.',
  description:
    'Cron counts every 20 minutes, and on request of this operation where the last count is older than two minutes. Figures of past days do not change any more; what is removed later stays counted. Days without figures are left out.',
  query: z.strictObject({ ...page(MAX_DAYS), ...period }).refine(isInOrder, inOrder),
  answer: z.object({ days: z.array(StatisticsDay), countedTo, nextCursor }),
  console: { role: 'viewer' },
});

/** How much users or groups wrote. */
const ranking = z
  .strictObject({
    ...page(),
    ...period,
    order: z.enum(['most', 'least']).default('most').meta({ description: 'What comes first.' }),
  })
  .refine(isInOrder, inOrder);
const total = count('Messages of all.');

/** A user, and how many messages they sent. */
export const ActiveUser = z
  .object({ userID: z.string(), nickname: z.string(), messages: z.int() })
  .meta({ id: 'ActiveUser' });
/** A user, and how many messages they sent. */
export type ActiveUser = z.output<typeof ActiveUser>;

/** Users by messages. */
export const listActiveUsers = operation({
  id: 'listActiveUsers',
  method: 'GET',
  path: '/statistics/users',
  access: 'read',
  tag: 'statistics',
  summary: 'Rank users by the messages that they sent.',
  description:
    'Messages of single chats and groups, on days for which counts by user are kept (`cron.statisticsDays`).',
  query: ranking,
  answer: z.object({
    users: z.array(ActiveUser),
    total,
    active: count('Users who sent one.'),
    countedTo,
    nextCursor,
  }),
  perSecond: 10,
  console: { role: 'viewer' },
});

/** A group, and how many messages were sent in it. */
export const ActiveGroup = z
  .object({ groupID: z.string(), groupName: z.string(), messages: z.int() })
  .meta({ id: 'ActiveGroup' });
/** A group, and how many messages were sent in it. */
export type ActiveGroup = z.output<typeof ActiveGroup>;

/** Groups by messages. */
export const listActiveGroups = operation({
  id: 'listActiveGroups',
  method: 'GET',
  path: '/statistics/groups',
  access: 'read',
  tag: 'statistics',
  summary: 'Rank groups by the messages that were sent in them.',
  description: 'On days for which counts by group are kept (`cron.statisticsDays`).',
  query: ranking,
  answer: z.object({
    groups: z.array(ActiveGroup),
    total,
    active: count('Groups with one.'),
    countedTo,
    nextCursor,
  }),
  perSecond: 10,
  console: { role: 'viewer' },
});
