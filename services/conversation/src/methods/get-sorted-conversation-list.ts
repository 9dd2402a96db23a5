import { type CallContext, pageRange, requireSelf } from '@im/kit';
import { type conversation, make, type sdkws } from '@im/protocol';
import { notFound } from '@im/store';
import type { ConversationDeps, ConversationMethods } from '../deps.ts';
import { groupsOf, lastMessagesOf, type PositionedRecord, positionsOf, ranked, unreadOf } from '../views.ts';

/** Senders and groups of the shown messages. */
interface Profiles {
  readonly users: ReadonlyMap<string, sdkws.UserInfo>;
  readonly groups: ReadonlyMap<string, sdkws.GroupInfo>;
}

function msgInfo(
  record: conversation.Conversation,
  message: sdkws.MsgData,
  { users, groups }: Profiles,
): conversation.MsgInfo {
  const sender = users.get(message.sendID);
  const group = groups.get(record.groupID);
  return make('conversation.MsgInfo', {
    serverMsgID: message.serverMsgID,
    clientMsgID: message.clientMsgID,
    sessionType: message.sessionType,
    sendID: message.sendID,
    recvID: message.recvID,
    senderName: sender?.nickname ?? message.senderNickname,
    faceURL: sender?.faceURL ?? message.senderFaceURL,
    groupID: message.groupID,
    groupName: group?.groupName ?? '',
    groupFaceURL: group?.faceURL ?? '',
    groupType: group?.groupType ?? 0,
    groupMemberCount: group?.memberCount ?? 0,
    LatestMsgRecvTime: message.sendTime,
    msgFrom: message.msgFrom,
    contentType: message.contentType,
    content: Buffer.from(message.content).toString('utf8'),
    ex: message.ex,
  });
}

/** Conversations in the order in which clients show them; for an old route. */
export function sortedListMethods(deps: ConversationDeps): ConversationMethods<'getSortedConversationList'> {
  const { records, users, readAudit } = deps;

  async function elements(
    ctx: CallContext,
    userID: string,
    entries: readonly PositionedRecord[],
  ): Promise<conversation.ConversationElem[]> {
    const ids = entries.map(({ record }) => record.conversationID);
    const messages = await lastMessagesOf(deps, ctx, userID, ids);
    const senders = [...messages.values()].map(({ sendID }) => sendID);
    const groupIDs = entries.flatMap(({ record }) => record.groupID || []);
    const profiles = {
      users: await users.getMany(ctx.tenant, senders),
      groups: await groupsOf(deps, ctx, groupIDs),
    };
    return entries.map(({ record, position }) => {
      const message = messages.get(record.conversationID);
      return make('conversation.ConversationElem', {
        conversationID: record.conversationID,
        recvMsgOpt: record.recvMsgOpt,
        unreadCount: unreadOf(position),
        IsPinned: record.isPinned,
        msgInfo: message ? msgInfo(record, message, profiles) : null,
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
      const sorted = ranked(list, await positionsOf(deps, ctx, userID, ids));
      const conversationElems = await elements(ctx, userID, sorted.slice(skip, skip + limit));
      const asked = { method: 'getSortedConversationList', conversations: conversationElems.length };
      const messages = conversationElems.filter(({ msgInfo: last }) => last).length;
      await readAudit.record(ctx, { act: 'message.read', userID, asked, messages });
      return make('conversation.GetSortedConversationListResp', {
        conversationTotal: sorted.length,
        unreadTotal: sorted.reduce((sum, { position }) => sum + unreadOf(position), 0),
        conversationElems,
      });
    },
  };
}
