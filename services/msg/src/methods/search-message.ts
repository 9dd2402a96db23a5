import type { TenantId } from '@im/contract';
import { requireAdmin } from '@im/kit';
import {
  argsError,
  chatConversationID,
  decode,
  ERR,
  ImError,
  make,
  type msg,
  SESSION,
  type sdkws,
} from '@im/protocol';
import { MAX_SEARCH_WINDOW, type MsgQuery, type MsgRow, type MsgSearchPart } from '@im/store';
import type { MsgDeps, MsgMethods } from '../deps.ts';
import { groupInfos } from '../group-infos.ts';
import { conversationsOf, placesOf, type SearchDeps } from '../search-places.ts';
import { sendPeriod } from '../send-period.ts';

const MAX_PAGE = 1_000;
/** Most bytes of `content` and `ex` in one answer; further hits have both empty. */
const MAX_TEXT_BYTES = 16_777_216;
const NO_CONTENT = new Uint8Array();

interface Hit {
  readonly seq: number;
  readonly isRevoked: boolean;
  readonly content: string;
  /** Without its content. */
  readonly message: sdkws.MsgData;
}

/** Takes the rows of a page in order, and keeps as much of their texts as one answer holds. */
function hitsWithin(maxTextBytes: number): (row: MsgRow) => Hit | undefined {
  let bytes = 0;
  return ({ msgData, seq, revoked }) => {
    if (!msgData) return undefined;
    const message = decode('sdkws.MsgData', msgData);
    const own = message.content.length + Buffer.byteLength(message.ex);
    const fits = bytes === 0 || bytes + own <= maxTextBytes;
    // After the first hit that does not fit none has its texts, however small it is.
    bytes = fits ? bytes + own : Number.POSITIVE_INFINITY;
    const content = fits ? Buffer.from(message.content).toString() : '';
    message.content = NO_CONTENT;
    if (!fits) message.ex = '';
    return { seq, isRevoked: revoked !== undefined, content, message };
  };
}

/** An empty page would say that there are no such messages. */
function notReached(total: number): ImError {
  return new ImError(
    ERR.NetworkError,
    `the search was cut before it reached this page (${total} found so far): ask again to go on, narrow it by sendTime, sendID or recvID, or set cron.searchIndexes`,
  );
}

/**
 * Searches the messages of all users, for administrators, in the form of OpenIM. A search that takes longer than it may
 * is cut: the page and the total have what was found by then; when the page has nothing by then, it is refused with
 * 90004. Asked for again it goes on. An answer holds 16 MiB of `content` and `ex`: further hits have both empty; smaller pages return them
 * complete.
 */
export function searchMethods(deps: SearchDeps & Pick<MsgDeps, 'readAudit'>): MsgMethods<'searchMessage'> {
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
      const { sendID, recvID, contentType, sendTime, sessionType } = request;
      const where = {
        name: JSON.stringify([sendID, recvID, contentType, sendTime, sessionType]),
        parts: await searchPartsOf(deps, ctx.tenant, request),
      };
      const page = { skip, limit };
      const { total, hits, complete } = await deps.search.find(
        ctx.tenant,
        where,
        page,
        hitsWithin(MAX_TEXT_BYTES),
      );
      if (!complete && limit > 0 && hits.length === 0) throw notReached(total);
      const asked = { method: 'searchMessage', sendID, recvID, contentType, sendTime, sessionType, ...page };
      await deps.readAudit.record(ctx, { act: 'message.search', userID: '', asked, messages: hits.length });
      return make('msg.SearchMessageResp', {
        chatLogs: await chatLogsOf(
          deps,
          ctx.tenant,
          hits.filter((hit) => hit !== undefined),
        ),
        chatLogsNum: total,
      });
    },
  };
}

/** Where to search, and for which messages. */
async function searchPartsOf(
  deps: SearchDeps,
  tenant: TenantId,
  { sendID, recvID, sessionType, contentType, sendTime }: msg.SearchMessageReq,
): Promise<MsgSearchPart[]> {
  const singles = sessionType === 0 || sessionType === SESSION.Single;
  const groups = sessionType === 0 || sessionType === SESSION.Group;
  const systems = sessionType === 0 || sessionType === SESSION.Notification;
  const query: MsgQuery = {
    sendID: sendID === '' ? undefined : sendID,
    contentType: contentType === 0 ? undefined : contentType,
    period: sendPeriod(sendTime),
  };
  const kinds = [...(singles ? ['si_'] : []), ...(groups ? ['sg_'] : []), ...(systems ? ['sn_'] : [])];
  if (sendID === '' && recvID === '') {
    return [{ places: kinds, query }];
  }
  if (recvID === '') {
    // By the index of senders the kinds alone say where; without it the sender's conversations are gone through.
    if (await deps.search.usesIndexes(tenant)) return [{ places: kinds, query }];
    const ids = await conversationsOf(deps, tenant, sendID);
    const ofKinds = ids.filter((id) => kinds.some((kind) => id.startsWith(kind)));
    return [{ places: await placesOf(deps, tenant, ofKinds), query }];
  }
  const chats =
    sendID === ''
      ? (await conversationsOf(deps, tenant, recvID)).filter((id) => id.startsWith('si_'))
      : [chatConversationID({ sessionType: SESSION.Single, sendID, recvID, groupID: '' })];
  return [
    { places: await placesOf(deps, tenant, singles ? chats : []), query: { ...query, recvID } },
    { places: await placesOf(deps, tenant, groups ? [`sg_${recvID}`] : []), query },
  ];
}

async function chatLogsOf(
  deps: SearchDeps,
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
    groupInfos(deps, tenant, [...new Set(groupIDs)]),
    deps.users.getMany(tenant, [...new Set(recvIDs)]),
  ]);
  return hits.map(({ seq, isRevoked, content, message }) => {
    const group = message.sessionType === SESSION.Group ? groups.get(message.groupID) : undefined;
    const chatLog = make('msg.ChatLog', {
      serverMsgID: message.serverMsgID,
      clientMsgID: message.clientMsgID,
      sendID: message.sendID,
      recvID: message.sessionType === SESSION.Group ? message.groupID : message.recvID,
      groupID: message.groupID,
      recvNickname: users.get(message.recvID)?.nickname ?? '',
      senderPlatformID: message.senderPlatformID,
      senderNickname: message.senderNickname,
      senderFaceURL: message.senderFaceURL,
      groupName: group?.groupName ?? '',
      sessionType: message.sessionType,
      msgFrom: message.msgFrom,
      contentType: message.contentType,
      content,
      status: message.status,
      sendTime: message.sendTime,
      createTime: message.createTime,
      ex: message.ex,
      groupFaceURL: group?.faceURL ?? '',
      groupMemberCount: group?.memberCount ?? 0,
      seq,
      groupOwner: group?.ownerUserID ?? '',
      groupType: group?.groupType ?? 0,
    });
    return make('msg.SearchChatLog', { chatLog, isRevoked });
  });
}
