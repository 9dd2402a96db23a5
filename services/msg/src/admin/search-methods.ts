import { requireAdmin, type TenantId } from '@im/kit';
import { argsError, chatConversationID, decode, make, type msg, SESSION, type sdkws } from '@im/protocol';
import { MAX_SEARCH_WINDOW, type MsgPlace, type MsgQuery, type MsgRow, type MsgSearchPart } from '@im/store';
import type { MsgMethods, MsgParts } from '../parts.ts';
import { groupInfos } from './group-info.ts';
import { sendPeriod } from './send-time.ts';

const MAX_PAGE = 1_000;

/** What searching works with. */
export type SearchParts = Pick<
  MsgParts,
  'search' | 'convs' | 'seqUsers' | 'conversations' | 'users' | 'groups' | 'members'
>;

interface Hit {
  readonly row: MsgRow;
  readonly message: sdkws.MsgData;
}

/**
 * Searching chats and groups, for administrators: it reads the messages of everybody. Nothing is left out: a search
 * that would take too long is refused.
 */
export function searchMethods(parts: SearchParts): MsgMethods<'searchMessage'> {
  return {
    async searchMessage(ctx, request) {
      requireAdmin(ctx);
      const { pagination } = request;
      const limit = Math.min(MAX_PAGE, Math.max(0, pagination?.showNumber ?? 0));
      const skip = (Math.max(1, pagination?.pageNumber ?? 1) - 1) * limit;
      if (skip + limit > MAX_SEARCH_WINDOW) {
        throw argsError(
          `pagination reaches beyond the first ${MAX_SEARCH_WINDOW} hits: narrow the search by sendTime, sendID or recvID`,
        );
      }
      const where = await partsOf(parts, ctx.tenant, request);
      const { total, rows } = await parts.search.find(ctx.tenant, where, { skip, limit });
      const hits = rows.flatMap((row) =>
        row.msgData ? [{ row, message: decode('sdkws.MsgData', row.msgData) }] : [],
      );
      return make('msg.SearchMessageResp', {
        chatLogs: await show(parts, ctx.tenant, hits),
        chatLogsNum: total,
      });
    },
  };
}

/** Where to look, and for what there. */
async function partsOf(
  parts: SearchParts,
  tenant: TenantId,
  { sendID, recvID, sessionType, contentType, sendTime }: msg.SearchMessageReq,
): Promise<MsgSearchPart[]> {
  const singles = sessionType === 0 || sessionType === SESSION.Single;
  const groups = sessionType === 0 || sessionType === SESSION.Group;
  const query: MsgQuery = {
    sendID: sendID === '' ? undefined : sendID,
    contentType: contentType === 0 ? undefined : contentType,
    period: sendPeriod(sendTime),
  };
  if (sendID === '' && recvID === '') {
    return [{ places: [...(singles ? ['si_'] : []), ...(groups ? ['sg_'] : [])], query }];
  }
  if (recvID === '') {
    const ids = await conversationsOf(parts, tenant, sendID);
    const wanted = ids.filter((id) => (singles && id.startsWith('si_')) || (groups && id.startsWith('sg_')));
    return [{ places: await placesOf(parts, tenant, wanted), query }];
  }
  const chats =
    sendID === ''
      ? (await conversationsOf(parts, tenant, recvID)).filter((id) => id.startsWith('si_'))
      : [chatConversationID({ sessionType: SESSION.Single, sendID, recvID, groupID: '' })];
  return [
    { places: await placesOf(parts, tenant, singles ? chats : []), query: { ...query, recvID } },
    { places: await placesOf(parts, tenant, groups ? [`sg_${recvID}`] : []), query },
  ];
}

/** Conversations of a user: those with a record, and those whose record is gone but that were written or read in. */
async function conversationsOf(
  { conversations, seqUsers }: SearchParts,
  tenant: TenantId,
  userID: string,
): Promise<string[]> {
  const [records, positions] = await Promise.all([
    conversations.ids(tenant, userID),
    seqUsers.ofUser(tenant, userID),
  ]);
  return [...new Set([...records, ...positions.keys()])];
}

/** What these conversations have that may be read. */
async function placesOf(
  { convs }: SearchParts,
  tenant: TenantId,
  conversationIDs: readonly string[],
): Promise<MsgPlace[]> {
  const states = await convs.get(tenant, conversationIDs);
  return [...states].map(([conversationID, { min, max }]) => ({
    conversationID,
    span: { first: Math.max(1, min), last: max },
  }));
}

async function show(
  parts: SearchParts,
  tenant: TenantId,
  hits: readonly Hit[],
): Promise<msg.SearchChatLog[]> {
  const groupIDs = hits.flatMap(({ message }) =>
    message.sessionType === SESSION.Group ? [message.groupID] : [],
  );
  const recvIDs = hits.flatMap(({ message }) =>
    message.sessionType === SESSION.Group ? [] : [message.recvID],
  );
  const [groups, users] = await Promise.all([
    groupInfos(parts, tenant, [...new Set(groupIDs)]),
    parts.users.getMany(tenant, [...new Set(recvIDs)]),
  ]);
  return hits.map(({ row, message: m }) => {
    const group = m.sessionType === SESSION.Group ? groups.get(m.groupID) : undefined;
    const chatLog = make('msg.ChatLog', {
      serverMsgID: m.serverMsgID,
      clientMsgID: m.clientMsgID,
      sendID: m.sendID,
      recvID: m.sessionType === SESSION.Group ? m.groupID : m.recvID,
      groupID: m.groupID,
      recvNickname: users.get(m.recvID)?.nickname ?? '',
      senderPlatformID: m.senderPlatformID,
      senderNickname: m.senderNickname,
      senderFaceURL: m.senderFaceURL,
      groupName: group?.groupName ?? '',
      sessionType: m.sessionType,
      msgFrom: m.msgFrom,
      contentType: m.contentType,
      content: Buffer.from(m.content).toString(),
      status: m.status,
      sendTime: m.sendTime,
      createTime: m.createTime,
      ex: m.ex,
      groupFaceURL: group?.faceURL ?? '',
      groupMemberCount: group?.memberCount ?? 0,
      seq: row.seq,
      groupOwner: group?.ownerUserID ?? '',
      groupType: group?.groupType ?? 0,
    });
    return make('msg.SearchChatLog', { chatLog, isRevoked: row.revoked !== undefined });
  });
}
