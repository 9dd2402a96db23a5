import type { CallContext } from '@im/kit';
import { ERR, ImError, isGroupConversation, ROLE, SESSION, type sdkws } from '@im/protocol';
import type { MsgParts } from '../parts.ts';

/** Where authority over messages is read. */
export type AuthorityParts = Pick<MsgParts, 'users' | 'members'>;

/** What a user may do to messages of a conversation. */
export interface Authority {
  /** Role in the group, or level of the account in a single chat; 0 for an administrator. */
  readonly role: number;
  readonly nickname: string;
  /** Whether this message is the user's to take away from everybody. */
  mayTakeBack(m: sdkws.MsgData): boolean;
}

const REFUSED = 'only its sender and the leaders of the group may do this';

/** @throws ImError 1002 unless the user may take the message away from everybody. */
export function requireTakeBack(authority: Authority, m: sdkws.MsgData): void {
  if (!authority.mayTakeBack(m)) throw new ImError(ERR.NoPermissionError, REFUSED);
}

/**
 * What `userID` may do in a conversation. An administrator may do everything; in a chat of two each may
 * take back his own messages; in a group the owner those of everybody, admins their own and those of
 * plain members and of users who left, members their own.
 * @param senders of the messages in question.
 * @throws ImError 1203 for a group that the user isn't in.
 */
export async function authorityOf(
  { users, members }: AuthorityParts,
  ctx: CallContext,
  userID: string,
  conversationID: string,
  senders: readonly string[],
): Promise<Authority> {
  const profile = await users.get(ctx.tenant, userID);
  const nickname = profile?.nickname ?? '';
  if (ctx.opAdmin) return { role: 0, nickname, mayTakeBack: () => true };
  if (!isGroupConversation(conversationID)) {
    return {
      role: profile?.appMangerLevel ?? 0,
      nickname,
      mayTakeBack: (m) => m.sessionType === SESSION.Single && m.sendID === userID,
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
    mayTakeBack(m) {
      if (m.sendID === userID || own.roleLevel === ROLE.Owner) return true;
      return own.roleLevel === ROLE.Admin && (roles.get(m.sendID) ?? ROLE.Member) <= ROLE.Member;
    },
  };
}
