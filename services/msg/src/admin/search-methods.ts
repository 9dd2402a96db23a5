import { requireAdmin, type TenantId } from '@im/kit';
import { argsError, chatConversationID, decode, make, type msg, SESSION, type sdkws } from '@im/protocol';
import type { MsgQuery, MsgRow, Period } from '@im/store';
import type { MsgMethods, MsgParts } from '../parts.ts';
import { groupInfos } from './group-info.ts';

/** Conversations looked into by one search; only one without sender and receiver reaches it. */
const MAX_CONVERSATIONS = 500;
/** Most hits of one search. */
const MAX_HITS = 2_000;
const MAX_PAGE = 1_000;
const DAY_MS = 86_400_000;

/** What searching works with. */
export type SearchParts = Pick<
  MsgParts,
  'stats' | 'convs' | 'conversations' | 'users' | 'groups' | 'members'
>;

interface Hit {
  readonly row: MsgRow;
  readonly message: sdkws.MsgData;
}

/** Searching chats and groups, for administrators: it reads the messages of everybody. */
export function searchMethods(parts: SearchParts): MsgMethods<'searchMessage'> {
  return {
    async searchMessage(ctx, request) {
      requireAdmin(ctx);
      const { pagination } = request;
      const query: MsgQuery = {
        sendID: request.sendID === '' ? undefined : request.sendID,
        contentType: request.contentType === 0 ? undefined : request.contentType,
        period: dayOf(request.sendTime),
      };
      const ids = await candidates(parts, ctx.tenant, request);
      const hits = await find(parts, ctx.tenant, ids, query, request.recvID);
      const size = Math.min(MAX_PAGE, Math.max(0, pagination?.showNumber ?? 0));
      const first = (Math.max(1, pagination?.pageNumber ?? 1) - 1) * size;
      return make('msg.SearchMessageResp', {
        chatLogs: await show(parts, ctx.tenant, hits.slice(first, first + size)),
        chatLogsNum: hits.length,
      });
    },
  };
}

/** A UTC day in ms. @throws ImError 1001 for anything else than YYYY-MM-DD; empty means any day. */
function dayOf(text: string): Period | undefined {
  if (text === '') return undefined;
  const start = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
  // Days that a month does not have are read as days of the next one.
  if (Number.isNaN(start) || !new Date(start).toISOString().startsWith(text)) {
    throw argsError('sendTime is not a day YYYY-MM-DD');
  }
  return { start, end: start + DAY_MS };
}

/** Conversations that may hold what is asked for. */
async function candidates(
  { conversations, stats }: SearchParts,
  tenant: TenantId,
  { sendID, recvID, sessionType }: msg.SearchMessageReq,
): Promise<string[]> {
  const kinds = [
    ...(sessionType === 0 || sessionType === SESSION.Single ? ['si_'] : []),
    ...(sessionType === 0 || sessionType === SESSION.Group ? ['sg_'] : []),
  ];
  const ofKind = (ids: readonly string[]) => ids.filter((id) => kinds.some((kind) => id.startsWith(kind)));
  if (sendID !== '' && recvID !== '') {
    const single = chatConversationID({ sessionType: SESSION.Single, sendID, recvID, groupID: '' });
    return ofKind([single, `sg_${recvID}`]);
  }
  if (recvID !== '') {
    const own = await conversations.ids(tenant, recvID);
    return ofKind([`sg_${recvID}`, ...own.filter((id) => id.startsWith('si_'))]).slice(0, MAX_CONVERSATIONS);
  }
  if (sendID !== '') return ofKind(await conversations.ids(tenant, sendID)).slice(0, MAX_CONVERSATIONS);
  const all = await Promise.all(
    kinds.map((kind) => stats.conversationIDs(tenant, kind, '', MAX_CONVERSATIONS)),
  );
  return all.flat();
}

/** Hits of all conversations, oldest first. */
async function find(
  { stats, convs }: SearchParts,
  tenant: TenantId,
  conversationIDs: readonly string[],
  query: MsgQuery,
  recvID: string,
): Promise<Hit[]> {
  const hits: Hit[] = [];
  const states = await convs.get(tenant, conversationIDs);
  for (const [conversationID, { min, max }] of states) {
    if (hits.length >= MAX_HITS) break;
    const span = { first: Math.max(1, min), last: max };
    for (const row of await stats.search(tenant, conversationID, span, query, MAX_HITS - hits.length)) {
      if (!row.msgData) continue;
      const message = decode('sdkws.MsgData', row.msgData);
      if (recvID === '' || message.recvID === recvID || message.groupID === recvID)
        hits.push({ row, message });
    }
  }
  return hits.sort((a, b) => a.row.sendTime - b.row.sendTime);
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
