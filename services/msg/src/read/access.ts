import type { TenantId } from '@im/kit';
import { isNotificationConversation, SESSION, type sdkws } from '@im/protocol';
import { type ConversationBounds, type ConvState, NO_SEQ_USER, type SeqUser } from '@im/store';
import type { MsgParts } from '../parts.ts';

/** What one user may read of one conversation. */
export interface Access {
  readonly conversationID: string;
  /** Lowest and highest readable seq; no message when `max < min`. */
  readonly min: number;
  readonly max: number;
  /** Everything up to this seq was read. */
  readonly read: number;
  /** Whether a message of the conversation is the user's to see: ids of single chats are ambiguous. */
  readonly sees: (m: Pick<sdkws.MsgData, 'sessionType' | 'sendID' | 'recvID'>) => boolean;
}

/** Where access is read from. */
export type AccessParts = Pick<MsgParts, 'conversations' | 'convs' | 'seqUsers'>;

const CHAT_PREFIXES = ['si_', 'sg_', 'sn_'] as const;
const NO_CONV: ConvState = { max: 0, src: 0, maxTime: 0, min: 0 };

/** The id without its kind: `a_b` of `si_a_b`. */
function bare(conversationID: string): string {
  return conversationID.slice(conversationID.indexOf('_') + 1);
}

/** The chats whose notifications a notification conversation may carry. */
function chatsOf(conversationID: string): string[] {
  return CHAT_PREFIXES.map((prefix) => prefix + bare(conversationID));
}

/** The lower of two upper bounds, of which 0 means none. */
function lowerBound(a: number, b: number): number {
  return a === 0 || b === 0 ? Math.max(a, b) : Math.min(a, b);
}

/** The highest seq that a user who left may see; 0 without such a bound. */
export function frozenMax(record: Pick<ConversationBounds, 'maxSeq'> | undefined, user: SeqUser): number {
  return lowerBound(record?.maxSeq ?? 0, user.max);
}

function isParty(userID: string, conversationID: string): boolean {
  const id = bare(conversationID);
  return id.startsWith(`${userID}_`) || id.endsWith(`_${userID}`);
}

/**
 * What the user may read of each of these conversations, in a few bulk reads from the primary.
 * A chat needs a conversation record of the user; a notification conversation needs the record of its
 * chat, or the user as one of its two ends. Others are left out.
 */
export async function loadAccess(
  { conversations, convs, seqUsers }: AccessParts,
  tenant: TenantId,
  userID: string,
  conversationIDs: readonly string[],
): Promise<Map<string, Access>> {
  const ids = [...new Set(conversationIDs)];
  const recordIDs = ids.flatMap((id) => (isNotificationConversation(id) ? chatsOf(id) : [id]));
  const [records, states, users] = await Promise.all([
    conversations.bounds(tenant, userID, recordIDs),
    convs.get(tenant, ids),
    seqUsers.get(tenant, userID, ids),
  ]);
  const recordOf = new Map(records.map((record) => [record.conversationID, record]));
  const sees = (m: Pick<sdkws.MsgData, 'sessionType' | 'sendID' | 'recvID'>) =>
    m.sendID === userID || m.recvID === userID;

  const access = new Map<string, Access>();
  for (const id of ids) {
    const state = states.get(id) ?? NO_CONV;
    const user = users.get(id) ?? NO_SEQ_USER;
    if (isNotificationConversation(id)) {
      const ofGroup = recordOf.has(`sg_${bare(id)}`);
      if (!ofGroup && !isParty(userID, id) && !chatsOf(id).some((chat) => recordOf.has(chat))) continue;
      access.set(id, {
        conversationID: id,
        min: Math.max(1, state.min, user.min),
        max: Math.min(state.max, user.max === 0 ? state.max : user.max),
        read: user.read,
        sees: (m) => (m.sessionType === SESSION.Group ? ofGroup : sees(m)),
      });
      continue;
    }
    const record = recordOf.get(id);
    if (!record) continue;
    const frozen = frozenMax(record, user);
    access.set(id, {
      conversationID: id,
      min: Math.max(1, state.min, user.min, record.minSeq),
      max: frozen === 0 ? state.max : Math.min(state.max, frozen),
      read: user.read,
      sees: id.startsWith('sg_') ? () => true : sees,
    });
  }
  return access;
}
