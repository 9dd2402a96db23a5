import { z } from 'zod';
import { id, nextCursor, page, reason, time } from '../fields.ts';
import { operation } from '../operation.ts';

/** A ban in force. */
export const Ban = z
  .object({
    userID: z.string(),
    untilTime: time.meta({ description: 'ms; 0 for no end.' }),
    reason: z.string(),
    time,
    adminID: z.string(),
  })
  .meta({ id: 'Ban' });
/** A ban in force. */
export type Ban = z.output<typeof Ban>;

/** A user as administrators see them. */
export const User = z
  .object({
    userID: z.string(),
    nickname: z.string(),
    faceURL: z.string(),
    ex: z.string(),
    createTime: time,
    level: z.int().meta({
      description: '0 ordinary, 1 app user, 2 app administrator, 3 notification account, 4 robot.',
    }),
    receiveOption: z
      .int()
      .meta({ description: '0 receives and notifies, 1 receives nothing, 2 receives silently.' }),
    ban: Ban.optional(),
    deleted: z.boolean().meta({ description: 'The account was deleted, and only a name stays.' }),
  })
  .meta({ id: 'User' });
/** A user as administrators see them. */
export type User = z.output<typeof User>;

const text = z.string().min(1).max(128);
const userID = z.strictObject({ userID: id });

/** Users, newest first. */
export const listUsers = operation({
  id: 'listUsers',
  method: 'GET',
  path: '/users',
  access: 'read',
  tag: 'users',
  summary: 'List and search users, newest first.',
  description: 'A search that takes more than 5 seconds ends with 503: narrow it.',
  query: z.strictObject({
    ...page(),
    userID: text.optional().meta({ description: 'Ids that contain this, whatever the case.' }),
    nickname: text
      .optional()
      .meta({ description: 'Or nicknames that contain this; with `userID`, either matches.' }),
  }),
  answer: z.object({ users: z.array(User), nextCursor }),
  perSecond: 20,
  console: { role: 'viewer' },
});

/** One user. */
export const getUser = operation({
  id: 'getUser',
  method: 'GET',
  path: '/users/{userID}',
  access: 'read',
  tag: 'users',
  summary: 'Get a user, with the platforms that are online.',
  params: userID,
  answer: z.object({ user: User, onlinePlatformIDs: z.array(z.int()) }),
  console: { role: 'viewer' },
});

/** Bans a user. */
export const banUser = operation({
  id: 'banUser',
  method: 'PUT',
  path: '/users/{userID}/ban',
  access: 'write',
  tag: 'users',
  summary: 'Ban a user, or change the ban.',
  description:
    'All logins end: devices are kicked on every gateway and removed from offline notifications, and tokens are refused. New logins are refused with 1508 until the ban ends.',
  params: userID,
  body: z.strictObject({
    untilTime: time.default(0).meta({ description: 'End of the ban, ms; 0 for none.' }),
    reason: reason.meta({ description: 'Shown to the user, and kept in the audit log.' }),
  }),
  answer: z.object({ ban: Ban }),
  audit: { act: 'user.ban', kind: 'user', param: 'userID' },
  console: { role: 'support' },
});

const why = z.strictObject({ reason });

/** Ends a ban. */
export const unbanUser = operation({
  id: 'unbanUser',
  method: 'DELETE',
  path: '/users/{userID}/ban',
  access: 'write',
  tag: 'users',
  summary: 'End a ban. The user logs in again for a new token.',
  params: userID,
  query: why,
  answer: z.object({ ended: z.boolean().meta({ description: 'False when there was no ban.' }) }),
  audit: { act: 'user.unban', kind: 'user', param: 'userID' },
  console: { role: 'support' },
});

/** Users who may not log in. */
export const listBans = operation({
  id: 'listBans',
  method: 'GET',
  path: '/bans',
  access: 'read',
  tag: 'users',
  summary: 'List the bans in force, newest first.',
  description: 'A page may have fewer entries than `limit`, also none, where bans have ended.',
  query: z.strictObject(page()),
  answer: z.object({ bans: z.array(Ban), nextCursor }),
  perSecond: 20,
  console: { role: 'viewer' },
});

/** Ends logins. */
export const logoutUser = operation({
  id: 'logoutUser',
  method: 'POST',
  path: '/users/{userID}/logout',
  access: 'write',
  tag: 'users',
  summary: "End a user's logins, on all platforms or one.",
  params: userID,
  body: z.strictObject({
    platformID: z.int().min(1).max(11).optional().meta({ description: 'All platforms when absent.' }),
    reason,
  }),
  answer: z.object({}),
  audit: { act: 'user.logout', kind: 'user', param: 'userID' },
  console: { role: 'support' },
});
