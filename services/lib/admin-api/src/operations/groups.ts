import { z } from 'zod';
import { id, nextCursor, page, reason, time } from '../fields.ts';
import { operation } from '../operation.ts';

/** A group as administrators see it. */
export const Group = z
  .object({
    groupID: z.string(),
    groupName: z.string(),
    faceURL: z.string(),
    introduction: z.string(),
    notification: z.string(),
    ex: z.string(),
    ownerUserID: z.string(),
    creatorUserID: z.string(),
    memberCount: z.int(),
    status: z.int().meta({ description: '0 normal, 2 dismissed, 3 muted.' }),
    createTime: time,
  })
  .meta({ id: 'Group' });
/** A group as administrators see it. */
export type Group = z.output<typeof Group>;

/** A member of a group. */
export const GroupMember = z
  .object({
    userID: z.string(),
    nickname: z.string(),
    roleLevel: z.int().meta({ description: '100 owner, 60 admin, 20 member.' }),
    joinTime: time,
    muteEndTime: time.meta({ description: 'ms; 0 when they were never muted.' }),
  })
  .meta({ id: 'GroupMember' });
/** A member of a group. */
export type GroupMember = z.output<typeof GroupMember>;

const groupID = z.strictObject({ groupID: id });
const BETWEEN_PAGES =
  'Keep `limit` from page to page. What is made between two pages may show entries twice.';

/** Groups, newest first. */
export const listGroups = operation({
  id: 'listGroups',
  method: 'GET',
  path: '/groups',
  access: 'read',
  tag: 'groups',
  summary: 'List and search groups that are not dismissed, newest first.',
  description: BETWEEN_PAGES,
  query: z.strictObject({
    ...page(200),
    groupName: z
      .string()
      .min(1)
      .max(128)
      .optional()
      .meta({ description: 'Names that contain this, whatever the case.' }),
  }),
  answer: z.object({ groups: z.array(Group), nextCursor }),
  perSecond: 20,
  console: { role: 'viewer' },
});

/** Groups of a user. */
export const listUserGroups = operation({
  id: 'listUserGroups',
  method: 'GET',
  path: '/users/{userID}/groups',
  access: 'read',
  tag: 'groups',
  summary: 'List the groups that a user is in.',
  description: BETWEEN_PAGES,
  params: z.strictObject({ userID: id }),
  query: z.strictObject(page(200)),
  answer: z.object({ groups: z.array(Group), nextCursor }),
  perSecond: 20,
  console: { role: 'viewer' },
});

/** One group. */
export const getGroup = operation({
  id: 'getGroup',
  method: 'GET',
  path: '/groups/{groupID}',
  access: 'read',
  tag: 'groups',
  summary: 'Get a group, also a dismissed one.',
  params: groupID,
  answer: z.object({ group: Group }),
  console: { role: 'viewer' },
});

/** Its members. */
export const listGroupMembers = operation({
  id: 'listGroupMembers',
  method: 'GET',
  path: '/groups/{groupID}/members',
  access: 'read',
  tag: 'groups',
  summary: 'List the members of a group: owner, admins, members, each in order of joining.',
  description: BETWEEN_PAGES,
  params: groupID,
  query: z.strictObject(page(200)),
  answer: z.object({ members: z.array(GroupMember), nextCursor }),
  perSecond: 20,
  console: { role: 'viewer' },
});

/** Ends a group. */
export const dismissGroup = operation({
  id: 'dismissGroup',
  method: 'DELETE',
  path: '/groups/{groupID}',
  access: 'write',
  tag: 'groups',
  summary: 'Dismiss a group; its members are notified.',
  params: groupID,
  query: z.strictObject({ reason }),
  answer: z.object({}),
  audit: { act: 'group.dismiss', kind: 'group', param: 'groupID' },
  console: { role: 'moderator' },
});

/** Takes a message back. */
export const revokeMessage = operation({
  id: 'revokeMessage',
  method: 'POST',
  path: '/conversations/{conversationID}/messages/{seq}/revoke',
  access: 'write',
  tag: 'messages',
  summary: 'Revoke a message for all participants.',
  params: z.strictObject({
    conversationID: id,
    seq: z.string().regex(/^[1-9]\d{0,14}$/, 'must be a whole number of at least 1'),
  }),
  body: z.strictObject({ reason }),
  answer: z.object({}),
  audit: { act: 'message.revoke', kind: 'conversation', param: 'conversationID' },
  console: { role: 'moderator' },
});
