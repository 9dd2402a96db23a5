import type { TenantId } from '@im/contract';
import { requireAdmin, token16 } from '@im/kit';
import { argsError, chatConversationID, decode, make, type msg, SESSION } from '@im/protocol';
import type { MsgCursor, MsgOrder, MsgQuery, MsgRow, MsgSearchPart } from '@im/store';
import type { MsgMethods } from '../deps.ts';
import { textMatcher } from '../message-text.ts';
import { conversationsOf, placesOf, type SearchDeps } from '../search-places.ts';

const MAX_LIMIT = 1_000;
/** An answer ends with the message that makes it this large, bytes. */
const MAX_ANSWER_BYTES = 16_777_216;
/** Conversations of chats and those of a user's system messages; the queues of notifications are none. */
const KINDS = ['si_', 'sg_', 'sn_'];
const ORDERS: readonly string[] = ['time', 'sender', 'conversation'] satisfies MsgOrder[];

/** Searches all messages of a tenant, for administrators, a page at a time. */
export function messageSearchMethods(deps: SearchDeps): MsgMethods<'searchMessages'> {
  return {
    async searchMessages(ctx, request) {
      requireAdmin(ctx);
      const limit = Math.min(MAX_LIMIT, request.limit === 0 ? MAX_LIMIT : request.limit);
      if (limit < 1) throw argsError('limit must be 1 or more');
      const name = nameOf(request);
      const after = request.cursor === '' ? undefined : cursorOf(request.cursor, name);
      const part = await partOf(deps, ctx.tenant, request);
      let bytes = 0;
      const find = finder(request.text);
      const page = await deps.search.page(
        ctx.tenant,
        part,
        { limit, full: () => bytes >= MAX_ANSWER_BYTES, ...(after && { after }) },
        (row) => {
          const found = find(row);
          if (found) bytes += row.msgData?.length ?? 0;
          return found;
        },
      );
      return make('msg.SearchMessagesResp', {
        messages: page.hits,
        cursor: page.next ? JSON.stringify([name, page.next.order, page.next.st, ...page.next.key]) : '',
        examined: page.examined,
        byTime: page.order !== 'conversation',
      });
    },
  };
}

/** Names a search, so that its cursors fit no other. */
function nameOf(request: msg.SearchMessagesReq): string {
  const { conversationID, groupID, sendID, recvID, contentType, start, end, text } = request;
  return token16(
    'search',
    JSON.stringify([conversationID, groupID, sendID, recvID, contentType, start, end, text]),
  );
}

/** @throws ImError 1001 for a cursor of another search. */
function cursorOf(text: string, name: string): MsgCursor {
  const wrong = () => argsError('cursor must be that of the page before, of the same search');
  let parts: unknown;
  try {
    parts = JSON.parse(text);
  } catch {
    throw wrong();
  }
  if (!Array.isArray(parts)) throw wrong();
  const [of, order, st, ...key] = parts as unknown[];
  if (of !== name || typeof order !== 'string' || !ORDERS.includes(order)) throw wrong();
  if (typeof st !== 'number' || key.length > 2 || !key.every((part) => typeof part === 'string'))
    throw wrong();
  return { order: order as MsgOrder, st, key: key as string[] };
}

/** Takes rows that contain a text. */
function finder(text: string): (row: MsgRow) => msg.FoundMessage | undefined {
  const matches = text === '' ? () => true : textMatcher(text);
  return ({ conversationID, seq, msgData, revoked }) => {
    if (!msgData) return undefined;
    const message = decode('sdkws.MsgData', msgData);
    if (!matches(message.content)) return undefined;
    message.seq = seq;
    return make('msg.FoundMessage', { conversationID, seq, message, isRevoked: revoked !== undefined });
  };
}

/** Where to look, and for what. */
async function partOf(
  deps: SearchDeps,
  tenant: TenantId,
  { conversationID, groupID, sendID, recvID, contentType, start, end }: msg.SearchMessagesReq,
): Promise<MsgSearchPart> {
  if (end !== 0 && end <= start) throw argsError('end must be after start');
  const query: MsgQuery = {
    ...(sendID !== '' && { sendID }),
    ...(recvID !== '' && { recvID }),
    ...(contentType !== 0 && { contentType }),
    ...((start > 0 || end > 0) && { period: { start, end: end || Number.MAX_SAFE_INTEGER } }),
  };
  const named = [
    ...(conversationID === '' ? [] : [conversationID]),
    ...(groupID === ''
      ? []
      : [chatConversationID({ sessionType: SESSION.Group, sendID: '', recvID: '', groupID })]),
  ];
  if (named.length > 1) throw argsError('conversationID and groupID are given both: leave one out');
  if (groupID !== '' && recvID !== '')
    throw argsError('recvID is of single chats: leave groupID or recvID out');
  if (named.length > 0) return { places: await placesOf(deps, tenant, named), query };
  if (recvID !== '' && sendID !== '') {
    const chat = chatConversationID({ sessionType: SESSION.Single, sendID, recvID, groupID: '' });
    return { places: await placesOf(deps, tenant, [chat]), query };
  }
  const userID = sendID || recvID;
  if (userID === '') return { places: KINDS, query };
  // By the indexes the kinds alone say where; without them the user's conversations are gone through.
  if ((sendID !== '' || query.period) && (await deps.search.usesIndexes(tenant)))
    return { places: KINDS, query };
  const ids = await conversationsOf(deps, tenant, userID);
  const kinds = recvID === '' ? KINDS : ['si_'];
  const ofKinds = ids.filter((id) => kinds.some((kind) => id.startsWith(kind)));
  return { places: await placesOf(deps, tenant, ofKinds), query };
}
