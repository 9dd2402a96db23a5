import { requireVoice } from '@im/domain';
import type { CallContext } from '@im/kit';
import { ERR, ImError, SESSION } from '@im/protocol';
import { notFound } from '@im/store';
import type { MsgParts } from '../parts.ts';

/** Where the rules of reach read. */
export type MayReachParts = Pick<MsgParts, 'groups' | 'members' | 'reach'>;

/** Whom a change of messages is shown to. */
export interface Audience {
  readonly sessionType: number;
  /** The other one of a chat of two. */
  readonly peerID: string;
  readonly groupID: string;
}

/**
 * What changes messages at others is for those who may write to them now.
 * @throws ImError as for a message: 1302, 1303, 1402, 1403, or 1203 for a group that the user isn't in.
 */
export async function requireMayReach(
  { groups, members, reach }: MayReachParts,
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
