import type { TenantId } from '@im/contract';
import { GROUP_STATUS, isNotificationConversation, SESSION, type sdkws } from '@im/protocol';
import { type ConversationBounds, type ConversationSeqsState, NO_SEQ_USER, type SeqUser } from '@im/store';
import type { MsgDeps } from '../deps.ts';

/** The messages of one conversation that a user may read. */
export interface ReadBounds {
  readonly conversationID: string;
  /** Lowest and highest readable seq; no message when `max < min`. */
  readonly min: number;
  readonly max: number;
  /** All messages up to this seq were read. */
  readonly read: number;
  /** Whether the user may see a message of the conversation: ids of single chats are ambiguous. */
  readonly sees: (message: Pick<sdkws.MsgData, 'sessionType' | 'sendID' | 'recvID'>) => boolean;
}

/** What read bounds are computed from. */
export type ReadBoundsDeps = Pick<
  MsgDeps,
  'conversationSettings' | 'conversationSeqs' | 'seqUsers' | 'members' | 'groups'
>;

/** Groups of this type are open to all users. */
const OPEN_GROUP_TYPE = 1;
const CHAT_PREFIXES = ['si_', 'sg_', 'sn_'] as const;
const NO_STATE: ConversationSeqsState = { max: 0, src: 0, maxTime: 0, min: 0 };

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

/** The group that a conversation may belong to, itself or as its notification conversation. */
function groupOf(conversationID: string): string | undefined {
  const ofGroup = conversationID.startsWith('sg_') || isNotificationConversation(conversationID);
  return ofGroup ? bare(conversationID) : undefined;
}

/**
 * The groups that the user is in. The process's copy answers for known memberships, the database for the others: a new
 * member must not be refused. All members keep access to a dismissed group.
 */
async function groupsOf(
  { members, groups }: Pick<ReadBoundsDeps, 'members' | 'groups'>,
  tenant: TenantId,
  userID: string,
  groupIDs: readonly string[],
): Promise<Set<string>> {
  const joined = new Set(await members.joinedGroupIDs(tenant, userID));
  const doubtful = groupIDs.filter((id) => !joined.has(id));
  if (doubtful.length === 0) return joined;
  const [found, known] = await Promise.all([
    members.findPairs(
      tenant,
      doubtful.map((groupID) => ({ groupID, userID })),
    ),
    groups.getMany(tenant, doubtful),
  ]);
  for (const { groupID } of found) joined.add(groupID);
  for (const { groupID, status, groupType } of known.values()) {
    if (status === GROUP_STATUS.Dismissed || groupType === OPEN_GROUP_TYPE) joined.add(groupID);
  }
  return joined;
}

/**
 * The bounds of each of these conversations, in a few bulk reads from the primary.
 * A chat needs a conversation record of the user; a notification conversation needs the record of its
 * chat, or the user as one of its two users. Those of a group also need the user as a member, unless they left
 * and keep access to older messages. Others are left out.
 */
export async function loadReadBounds(
  deps: ReadBoundsDeps,
  tenant: TenantId,
  userID: string,
  conversationIDs: readonly string[],
): Promise<Map<string, ReadBounds>> {
  const { conversationSettings, conversationSeqs, seqUsers, members } = deps;
  const ids = [...new Set(conversationIDs)];
  const recordIDs = ids.flatMap((id) => (isNotificationConversation(id) ? chatsOf(id) : [id]));
  const [records, states, users] = await Promise.all([
    conversationSettings.bounds(tenant, userID, recordIDs),
    conversationSeqs.get(tenant, ids),
    seqUsers.get(tenant, userID, ids),
    // Fills the process's copy while the other reads run.
    ids.some((id) => groupOf(id) !== undefined) ? members.joinedGroupIDs(tenant, userID) : undefined,
  ]);
  const recordOf = new Map(records.map((record) => [record.conversationID, record]));
  const sees = (message: Pick<sdkws.MsgData, 'sessionType' | 'sendID' | 'recvID'>) =>
    message.sendID === userID || message.recvID === userID;

  /** By conversation: the group that the user has to be in, unless they left and keep older messages. */
  const needed = new Map<string, string>();
  for (const id of ids) {
    const groupID = groupOf(id);
    const record = groupID === undefined ? undefined : recordOf.get(`sg_${groupID}`);
    if (groupID === undefined || !record) continue;
    const user = users.get(id) ?? NO_SEQ_USER;
    const frozen = isNotificationConversation(id) ? user.max : frozenMax(record, user);
    if (frozen === 0) needed.set(id, groupID);
  }
  const groupIDs = new Set(needed.values());
  const inGroups = needed.size > 0 ? await groupsOf(deps, tenant, userID, [...groupIDs]) : groupIDs;
  const closed = (id: string) => {
    const groupID = needed.get(id);
    return groupID !== undefined && !inGroups.has(groupID);
  };

  const bounds = new Map<string, ReadBounds>();
  for (const id of ids) {
    const state = states.get(id) ?? NO_STATE;
    const user = users.get(id) ?? NO_SEQ_USER;
    if (isNotificationConversation(id)) {
      const chat = `sg_${bare(id)}`;
      const ofGroup = recordOf.has(chat) && !closed(id);
      const ofChat = chatsOf(id).some((other) => other !== chat && recordOf.has(other));
      if (!ofGroup && !ofChat && !isParty(userID, id)) continue;
      bounds.set(id, {
        conversationID: id,
        min: Math.max(1, state.min, user.min),
        max: Math.min(state.max, user.max === 0 ? state.max : user.max),
        read: user.read,
        sees: (message) => (message.sessionType === SESSION.Group ? ofGroup : sees(message)),
      });
      continue;
    }
    const record = recordOf.get(id);
    if (!record || closed(id)) continue;
    const frozen = frozenMax(record, user);
    bounds.set(id, {
      conversationID: id,
      min: Math.max(1, state.min, user.min, record.minSeq),
      max: frozen === 0 ? state.max : Math.min(state.max, frozen),
      read: user.read,
      sees: id.startsWith('sg_') ? () => true : sees,
    });
  }
  return bounds;
}
