import type { TenantId } from '@im/contract';
import { requireAdmin } from '@im/kit';
import { argsError, chatConversationID, decode, make, type msg, SESSION, type sdkws } from '@im/protocol';
import { MAX_SEARCH_WINDOW, type MsgPlace, type MsgQuery, type MsgRow, type MsgSearchPart } from '@im/store';
import type { MsgMethods, MsgParts } from '../parts.ts';
import { groupInfos } from './group-info.ts';
import { sendPeriod } from './send-time.ts';

const MAX_PAGE = 1_000;
/** Bytes of `content` and `ex` in one answer; hits beyond come without both. */
const MAX_TEXT_BYTES = 16_777_216;
const NO_CONTENT = new Uint8Array();

/** What searching works with. */
export type SearchParts = Pick<
  MsgParts,
  'search' | 'conversationSeqs' | 'seqUsers' | 'conversationSettings' | 'users' | 'groups' | 'members'
>;

interface Hit {
  readonly seq: number;
  readonly isRevoked: boolean;
  readonly content: string;
  /** Without its content. */
  readonly message: sdkws.MsgData;
}

/** Takes the rows of a page in order, and keeps of their long texts what one answer holds. */
function hitsWithin(maxTextBytes: number): (row: MsgRow) => Hit | undefined {
  let bytes = 0;
  return ({ msgData, seq, revoked }) => {
    if (!msgData) return undefined;
    const message = decode('sdkws.MsgData', msgData);
    const own = message.content.length + Buffer.byteLength(message.ex);
    const fits = bytes === 0 || bytes + own <= maxTextBytes;
    // From the first hit that does not fit on, so that a page has its texts up to one place.
    bytes = fits ? bytes + own : Number.POSITIVE_INFINITY;
    const content = fits ? Buffer.from(message.content).toString() : '';
    message.content = NO_CONTENT;
    if (!fits) message.ex = '';
    return { seq, isRevoked: revoked !== undefined, content, message };
  };
}

/**
 * Searching chats and groups, for administrators: it reads the messages of everybody. No hit is left out: a search
 * that would take too long is refused. An answer has 16 MiB of `content` and `ex`: hits beyond come with both empty,
 * and complete when they are asked for by smaller pages.
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
      const page = { skip, limit };
      const { total, hits } = await parts.search.find(ctx.tenant, where, page, hitsWithin(MAX_TEXT_BYTES));
      return make('msg.SearchMessageResp', {
        chatLogs: await show(
          parts,
          ctx.tenant,
          hits.filter((hit) => hit !== undefined),
        ),
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
  { conversationSettings, seqUsers }: SearchParts,
  tenant: TenantId,
  userID: string,
): Promise<string[]> {
  const [records, positions] = await Promise.all([
    conversationSettings.ids(tenant, userID),
    seqUsers.ofUser(tenant, userID),
  ]);
  return [...new Set([...records, ...positions.keys()])];
}

/** What these conversations have that may be read. */
async function placesOf(
  { conversationSeqs }: SearchParts,
  tenant: TenantId,
  conversationIDs: readonly string[],
): Promise<MsgPlace[]> {
  const states = await conversationSeqs.get(tenant, conversationIDs);
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
  return hits.map(({ seq, isRevoked, content, message: m }) => {
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
      content,
      status: m.status,
      sendTime: m.sendTime,
      createTime: m.createTime,
      ex: m.ex,
      groupFaceURL: group?.faceURL ?? '',
      groupMemberCount: group?.memberCount ?? 0,
      seq,
      groupOwner: group?.ownerUserID ?? '',
      groupType: group?.groupType ?? 0,
    });
    return make('msg.SearchChatLog', { chatLog, isRevoked });
  });
}
