import { type CallContext, pageRange, requireSelf } from '@im/kit';
import { type conversation, make, type sdkws } from '@im/protocol';
import { notFound } from '@im/store';
import { groupsOf } from '../groups-info.ts';
import type { ConversationMethods, ConversationParts } from '../parts.ts';
import { lastMessagesOf, positionsOf, unreadOf } from '../positions.ts';
import { type Placed, ranked } from '../ranking.ts';

/** What a message is shown with. */
interface Surroundings {
  readonly users: ReadonlyMap<string, sdkws.UserInfo>;
  readonly groups: ReadonlyMap<string, sdkws.GroupInfo>;
}

function msgInfo(
  record: conversation.Conversation,
  m: sdkws.MsgData,
  { users, groups }: Surroundings,
): conversation.MsgInfo {
  const sender = users.get(m.sendID);
  const group = groups.get(record.groupID);
  return make('conversation.MsgInfo', {
    serverMsgID: m.serverMsgID,
    clientMsgID: m.clientMsgID,
    sessionType: m.sessionType,
    sendID: m.sendID,
    recvID: m.recvID,
    senderName: sender?.nickname ?? m.senderNickname,
    faceURL: sender?.faceURL ?? m.senderFaceURL,
    groupID: m.groupID,
    groupName: group?.groupName ?? '',
    groupFaceURL: group?.faceURL ?? '',
    groupType: group?.groupType ?? 0,
    groupMemberCount: group?.memberCount ?? 0,
    LatestMsgRecvTime: m.sendTime,
    msgFrom: m.msgFrom,
    contentType: m.contentType,
    content: Buffer.from(m.content).toString('utf8'),
    ex: m.ex,
  });
}

/** Conversations in the order that a client shows them; an old route. */
export function sortedListMethods(
  parts: ConversationParts,
): ConversationMethods<'getSortedConversationList'> {
  const { records, users } = parts;

  async function elements(
    ctx: CallContext,
    userID: string,
    placed: readonly Placed[],
  ): Promise<conversation.ConversationElem[]> {
    const ids = placed.map(({ record }) => record.conversationID);
    const messages = await lastMessagesOf(parts, ctx, userID, ids);
    const senders = [...messages.values()].map(({ sendID }) => sendID);
    const groupIDs = placed.flatMap(({ record }) => record.groupID || []);
    const surroundings = {
      users: await users.getMany(ctx.tenant, senders),
      groups: await groupsOf(parts, ctx, groupIDs),
    };
    return placed.map(({ record, position }) => {
      const message = messages.get(record.conversationID);
      return make('conversation.ConversationElem', {
        conversationID: record.conversationID,
        recvMsgOpt: record.recvMsgOpt,
        unreadCount: unreadOf(position),
        IsPinned: record.isPinned,
        msgInfo: message ? msgInfo(record, message, surroundings) : null,
      });
    });
  }

  return {
    async getSortedConversationList(ctx, { userID, conversationIDs, pagination }) {
      requireSelf(ctx, userID);
      const { skip, limit } = pageRange(pagination);
      const list =
        conversationIDs.length > 0
          ? await records.find(ctx.tenant, userID, conversationIDs)
          : await records.listBrief(ctx.tenant, userID);
      if (list.length === 0) throw notFound('conversation');
      const ids = list.map(({ conversationID }) => conversationID);
      const sorted = ranked(list, await positionsOf(parts, ctx, userID, ids));
      return make('conversation.GetSortedConversationListResp', {
        conversationTotal: sorted.length,
        unreadTotal: sorted.reduce((sum, { position }) => sum + unreadOf(position), 0),
        conversationElems: await elements(ctx, userID, sorted.slice(skip, skip + limit)),
      });
    },
  };
}
