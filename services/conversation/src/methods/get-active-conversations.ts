import type { AuditedRead } from '@im/domain';
import { type CallContext, requireSelf } from '@im/kit';
import { argsError, encode, type jssdk, make, type msg, SESSION } from '@im/protocol';
import type { Friend } from '@im/store';
import type { ConversationDeps, ConversationMethods } from '../deps.ts';
import { groupsOf, lastMessagesOf, type PositionedRecord, positionsOf, ranked, unreadOf } from '../views.ts';

const DEFAULT_COUNT = 100;
const MAX_COUNT = 500;
const MAX_NAMED = 1_000;

function friendInfo(friend: Friend | undefined) {
  return friend ? make('relation.FriendInfoOnly', { ...friend }) : null;
}

function unreadTotal(positions: ReadonlyMap<string, msg.Seqs>): number {
  let total = 0;
  for (const position of positions.values()) total += unreadOf(position);
  return total;
}

/** Conversations that are filled together; their size is not known before. */
const FILLED_AT_ONCE = 100;
/** Most bytes of one answer; conversations that do not fit are left out at the end. */
const ANSWER_BYTES = 4_194_304;

/** Each conversation has its last message. */
function readOf(method: string, userID: string, { length }: readonly jssdk.ConversationMsg[]): AuditedRead {
  return { act: 'message.read', userID, asked: { method, conversations: length }, messages: length };
}

/** Start page of the JavaScript SDK: conversations with all that it shows of them. */
export function jssdkMethods(
  deps: ConversationDeps,
): ConversationMethods<'getActiveConversations' | 'getJssdkConversations'> {
  const { records, users, friends, readAudit } = deps;

  /** As many of the first conversations as fit into an answer, at least one. */
  async function fitting(
    ctx: CallContext,
    ownerUserID: string,
    entries: readonly PositionedRecord[],
    kept: 'brief' | 'whole',
  ): Promise<jssdk.ConversationMsg[]> {
    const shown: jssdk.ConversationMsg[] = [];
    let left = ANSWER_BYTES;
    for (let i = 0; i < entries.length; i += FILLED_AT_ONCE) {
      for (const entry of await fill(ctx, ownerUserID, entries.slice(i, i + FILLED_AT_ONCE), kept)) {
        left -= encode('jssdk.ConversationMsg', entry).length;
        if (left < 0 && shown.length > 0) return shown;
        shown.push(entry);
      }
    }
    return shown;
  }

  /**
   * Adds records, last messages, peers, friends and groups in bulk; conversations without a last message are left out.
   * @param kept whether `entries` has whole records, or records without their large fields.
   */
  async function fill(
    ctx: CallContext,
    ownerUserID: string,
    entries: readonly PositionedRecord[],
    kept: 'brief' | 'whole',
  ): Promise<jssdk.ConversationMsg[]> {
    const peerIDs = entries.flatMap(({ record }) =>
      record.conversationType === SESSION.Group ? [] : record.userID,
    );
    const groupIDs = entries.flatMap(({ record }) => record.groupID || []);
    const ids = entries.map(({ record }) => record.conversationID);
    const [whole, messages, profiles, friendList, groups] = await Promise.all([
      kept === 'whole' ? [] : records.find(ctx.tenant, ownerUserID, ids),
      lastMessagesOf(deps, ctx, ownerUserID, ids),
      users.getMany(ctx.tenant, peerIDs),
      peerIDs.length === 0 ? [] : friends.find(ctx.tenant, ownerUserID, peerIDs),
      groupsOf(deps, ctx, groupIDs),
    ]);
    const recordOf = new Map(whole.map((record) => [record.conversationID, record]));
    const friendOf = new Map(friendList.map((friend) => [friend.friendUserID, friend]));
    return entries.flatMap(({ record, position }) => {
      const lastMsg = messages.get(record.conversationID);
      if (!lastMsg) return [];
      return make('jssdk.ConversationMsg', {
        conversation: recordOf.get(record.conversationID) ?? record,
        lastMsg,
        user: profiles.get(record.userID) ?? null,
        friend: friendInfo(friendOf.get(record.userID)),
        group: groups.get(record.groupID) ?? null,
        maxSeq: position.maxSeq,
        readSeq: position.hasReadSeq,
      });
    });
  }

  return {
    async getActiveConversations(ctx, { ownerUserID, count }) {
      requireSelf(ctx, ownerUserID);
      const list = await records.listBrief(ctx.tenant, ownerUserID);
      const ids = list.map(({ conversationID }) => conversationID);
      const positions = await positionsOf(deps, ctx, ownerUserID, ids);
      const wanted = count <= 0 || count > MAX_COUNT ? DEFAULT_COUNT : count;
      const shown = ranked(list, positions).slice(0, wanted);
      const conversations = await fitting(ctx, ownerUserID, shown, 'brief');
      await readAudit.record(ctx, readOf('getActiveConversations', ownerUserID, conversations));
      return make('jssdk.GetActiveConversationsResp', {
        unreadCount: unreadTotal(positions),
        conversations,
      });
    },
    async getJssdkConversations(ctx, { ownerUserID, conversationIDs }) {
      requireSelf(ctx, ownerUserID);
      if (conversationIDs.length > MAX_NAMED) {
        throw argsError(`conversationIDs has more than ${MAX_NAMED} elements`);
      }
      const list = await records.find(ctx.tenant, ownerUserID, conversationIDs);
      const ids = list.map(({ conversationID }) => conversationID);
      const positions = await positionsOf(deps, ctx, ownerUserID, ids);
      const conversations = await fitting(ctx, ownerUserID, ranked(list, positions), 'whole');
      await readAudit.record(ctx, readOf('getJssdkConversations', ownerUserID, conversations));
      return make('jssdk.GetConversationsResp', { unreadCount: unreadTotal(positions), conversations });
    },
  };
}
