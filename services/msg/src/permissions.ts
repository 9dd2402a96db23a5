import { requireVoice } from '@im/domain';
import type { CallContext } from '@im/kit';
import {
  argsError,
  type conversation,
  ERR,
  ImError,
  isGroupConversation,
  ROLE,
  SESSION,
  type sdkws,
} from '@im/protocol';
import { notFound } from '@im/store';
import type { MsgDeps } from './deps.ts';

export type AuthorityDeps = Pick<MsgDeps, 'users' | 'members'>;

/** What a user may do to messages of a conversation. */
export interface Authority {
  /** Role in the group, or level of the account in a single chat; 0 for an administrator. */
  readonly role: number;
  readonly nickname: string;
  /** Whether the user may remove this message for all participants. */
  mayRevoke(message: sdkws.MsgData): boolean;
}

const REFUSED = 'only its sender and the leaders of the group may do this';

/** @throws ImError 1002 unless the user may remove the message for all participants. */
export function requireMayRevoke(authority: Authority, message: sdkws.MsgData): void {
  if (!authority.mayRevoke(message)) throw new ImError(ERR.NoPermissionError, REFUSED);
}

/**
 * What `userID` may do in a conversation. Administrators may do everything. In a single chat users may revoke
 * their own messages; in a group the owner may revoke all, admins their own and those of plain members and of
 * users who left, members their own.
 * @param senders senders of the messages in question.
 * @throws ImError 1203 for a group that the user isn't in.
 */
export async function authorityOf(
  { users, members }: AuthorityDeps,
  ctx: CallContext,
  userID: string,
  conversationID: string,
  senders: readonly string[],
): Promise<Authority> {
  const profile = await users.get(ctx.tenant, userID);
  const nickname = profile?.nickname ?? '';
  if (ctx.opAdmin) return { role: 0, nickname, mayRevoke: () => true };
  if (!isGroupConversation(conversationID)) {
    return {
      role: profile?.appMangerLevel ?? 0,
      nickname,
      mayRevoke: (message) => message.sessionType === SESSION.Single && message.sendID === userID,
    };
  }
  const groupID = conversationID.slice('sg_'.length);
  const found = await members.find(ctx.tenant, groupID, [...new Set([userID, ...senders])]);
  const roles = new Map(found.map((member) => [member.userID, member.roleLevel]));
  const own = found.find((member) => member.userID === userID);
  if (!own) throw new ImError(ERR.NotInGroupYetError);
  return {
    role: own.roleLevel,
    nickname: own.nickname === '' ? nickname : own.nickname,
    mayRevoke(message) {
      if (message.sendID === userID || own.roleLevel === ROLE.Owner) return true;
      return own.roleLevel === ROLE.Admin && (roles.get(message.sendID) ?? ROLE.Member) <= ROLE.Member;
    },
  };
}

export type MayReachDeps = Pick<MsgDeps, 'groups' | 'members' | 'reach'>;

/** The users who see a change of messages. */
export interface Audience {
  readonly sessionType: number;
  /** The other user of a single chat. */
  readonly peerID: string;
  readonly groupID: string;
}

/**
 * Only users who may write to a conversation now may change its messages for others.
 * @throws ImError as for sending a message: 1302, 1303, 1402, 1403, or 1203 for a group that the user isn't in.
 */
export async function requireMayReach(
  { groups, members, reach }: MayReachDeps,
  ctx: CallContext,
  userID: string,
  { sessionType, peerID, groupID }: Audience,
): Promise<void> {
  if (ctx.opAdmin) return;
  if (sessionType === SESSION.Single) await reach.require(ctx, userID, [peerID]);
  if (sessionType !== SESSION.Group) return;
  const [group, member] = await Promise.all([
    groups.get(ctx.tenant, groupID),
    members.get(ctx.tenant, groupID, userID),
  ]);
  if (!group) throw notFound('groupID');
  if (!member) throw new ImError(ERR.NotInGroupYetError);
  requireVoice(member, group);
}

/** Most seqs that one request changes. */
export const MAX_CHANGED = 5_000;

/**
 * The user's record of a conversation.
 * @throws ImError 1001 without an id, 1004 when the user has no such conversation.
 */
export async function ownConversation(
  { conversationSettings }: Pick<MsgDeps, 'conversationSettings'>,
  ctx: CallContext,
  userID: string,
  conversationID: string,
): Promise<conversation.Conversation> {
  if (conversationID === '') throw argsError('conversationID is empty');
  const [record] = await conversationSettings.find(ctx.tenant, userID, [conversationID]);
  if (!record) throw notFound('conversation');
  return record;
}

/** @throws ImError 1001 for an empty list, more than {@link MAX_CHANGED} seqs, or a number below 1. */
export function checkSeqs(seqs: readonly number[]): void {
  if (seqs.length === 0) throw argsError('seqs is empty');
  if (seqs.length > MAX_CHANGED) throw argsError(`seqs has more than ${MAX_CHANGED} entries`);
  if (seqs.some((seq) => seq < 1)) throw argsError('seqs contains a number below 1');
}
