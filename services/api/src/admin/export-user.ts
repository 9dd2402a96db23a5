import { EXPORT_KINDS, type ExportLine } from '@im/admin-api';
import { type CallContext, withCaller } from '@im/kit';
import {
  argsError,
  decode,
  ERR,
  ImError,
  isNotificationConversation,
  type MessageName,
  type Messages,
  make,
  toJson,
} from '@im/protocol';
import type { RpcRegistry } from '@im/rpc';

/** Whose data, and how it is asked for. */
export interface ExportOf {
  readonly userID: string;
  readonly rpc: Pick<RpcRegistry, 'client'>;
  /** A context of one call, on behalf of the user. */
  readonly call: () => CallContext;
}

/** An entry, and the position that goes on after it; without data it only marks progress. */
interface Entry {
  readonly data?: object;
  readonly position: string;
}

type Section = (of: ExportOf, position: string) => AsyncGenerator<Entry, void>;
type Kind = (typeof EXPORT_KINDS)[number];

const PAGE = 100;
/** Messages looked at by one call, and most bytes of its answer. */
const STEP = 50;
const STEP_BYTES = 16 * 1_024 * 1_024;
/** Messages looked at between two signs of progress. */
const PROGRESS = 1_000;

function json<N extends MessageName>(name: N, message: Messages[N]): object {
  return JSON.parse(toJson(name, message));
}

/** A list that is read as a whole. */
function whole(read: (of: ExportOf) => Promise<readonly object[]>): Section {
  return async function* (of, position) {
    const entries = await read(of);
    for (let i = Number(position); i < entries.length; i++)
      yield { data: entries[i] ?? {}, position: String(i + 1) };
  };
}

/** A list that is read page by page. */
function paged(
  read: (of: ExportOf, pagination: Messages['sdkws.RequestPagination']) => Promise<readonly object[]>,
): Section {
  return async function* (of, position) {
    for (let at = Number(position); ; ) {
      const pageNumber = Math.floor(at / PAGE) + 1;
      const page = await read(of, make('sdkws.RequestPagination', { pageNumber, showNumber: PAGE }));
      for (const data of page.slice(at % PAGE)) yield { data, position: String(++at) };
      if (page.length < PAGE) return;
    }
  };
}

/** Messages that the user sent, conversation by conversation. */
async function* sentMessages({ userID, rpc, call }: ExportOf, position: string): AsyncGenerator<Entry, void> {
  const [, done = '0', first = ''] = /^(\d{1,15}) (.+)$/s.exec(position) ?? [];
  const client = rpc.client('msg');
  const { maxSeqs } = await client.getMaxSeq(call(), make('sdkws.GetMaxSeqReq', { userID }));
  const conversations = Object.keys(maxSeqs)
    .filter((id) => id >= first && !isNotificationConversation(id))
    .sort();
  for (const conversationID of conversations) {
    const last = maxSeqs[conversationID] ?? 0;
    for (let seq = conversationID === first ? Number(done) : 0; seq < last; seq += STEP) {
      const range = { conversationID, begin: seq + 1, end: Math.min(seq + STEP, last), num: STEP };
      const seqRanges = [make('sdkws.SeqRange', range)];
      const request = make('sdkws.PullMessageBySeqsReq', { userID, seqRanges, maxAnswerBytes: STEP_BYTES });
      const { msgs } = await client.pullMessageBySeqs(call(), request);
      const sent = (msgs[conversationID]?.Msgs ?? [])
        .map((message) => decode('sdkws.MsgData', message))
        .filter(({ sendID, content }) => sendID === userID && content.length > 0);
      for (const message of sent.toSorted((a, b) => a.seq - b.seq)) {
        const data = { conversationID, ...json('sdkws.MsgData', message) };
        const content = Buffer.from(message.content).toString();
        yield { data: { ...data, content }, position: `${message.seq} ${conversationID}` };
      }
      if ((seq + STEP) % PROGRESS === 0) yield { position: `${seq + STEP} ${conversationID}` };
    }
  }
}

const SECTIONS: Readonly<Record<Kind, Section>> = {
  profile: whole(async ({ userID, rpc, call }) => {
    const request = make('user.GetDesignateUsersReq', { userIDs: [userID] });
    const { usersInfo } = await rpc.client('user').getDesignateUsers(call(), request);
    return usersInfo.map((info) => json('sdkws.UserInfo', info));
  }),
  clientConfig: whole(async ({ userID, rpc, call }) => {
    const request = make('user.GetUserClientConfigReq', { userID });
    const { configs } = await rpc.client('user').getUserClientConfig(call(), request);
    return Object.entries(configs).map(([key, value]) => ({ key, value }));
  }),
  command: whole(async ({ userID, rpc, call }) => {
    const request = make('user.ProcessUserCommandGetAllReq', { userID });
    const { CommandResp } = await rpc.client('user').processUserCommandGetAll(call(), request);
    return CommandResp.map((command) => json('user.AllCommandInfoResp', command));
  }),
  friend: paged(async ({ userID, rpc, call }, pagination) => {
    const request = make('relation.GetPaginationFriendsReq', { userID, pagination });
    const { friendsInfo } = await rpc.client('relation').getPaginationFriends(call(), request);
    return friendsInfo.map((friend) => json('sdkws.FriendInfo', friend));
  }),
  friendRequest: paged(async ({ userID, rpc, call }, pagination) => {
    const request = make('relation.GetPaginationFriendsApplyFromReq', { userID, pagination });
    const found = await rpc.client('relation').getPaginationFriendsApplyFrom(call(), request);
    return found.friendRequests.map((one) => json('sdkws.FriendRequest', one));
  }),
  black: paged(async ({ userID, rpc, call }, pagination) => {
    const request = make('relation.GetPaginationBlacksReq', { userID, pagination });
    const { blacks } = await rpc.client('relation').getPaginationBlacks(call(), request);
    return blacks.map((black) => json('sdkws.BlackInfo', black));
  }),
  group: paged(async ({ userID, rpc, call }, pagination) => {
    const request = make('group.GetJoinedGroupListReq', { fromUserID: userID, pagination });
    const { groups } = await rpc.client('group').getJoinedGroupList(call(), request);
    return groups.map((group) => json('sdkws.GroupInfo', group));
  }),
  conversation: whole(async ({ userID, rpc, call }) => {
    const request = make('conversation.GetAllConversationsReq', { ownerUserID: userID });
    const { conversations } = await rpc.client('conversation').getAllConversations(call(), request);
    return conversations.map((one) => json('conversation.Conversation', one));
  }),
  message: sentMessages,
};

/** Section and position of a cursor, which {@link exportLines} made. @throws ImError 1001. */
function placeOf(cursor: string): { readonly section: number; readonly position: string } {
  if (cursor === '') return { section: 0, position: '0' };
  const [, section, position = '0'] = /^(\d{1,2}) (.*)$/s.exec(cursor) ?? [];
  if (section === undefined || Number(section) > EXPORT_KINDS.length)
    throw argsError('cursor must be that of a line of an export');
  return { section: Number(section), position };
}

/**
 * What is stored of a user, line by line: nothing is held but one page.
 * @param cursor of the line to go on after, not opaque; empty for the beginning
 * @throws ImError 1101 for a user who does not exist
 */
export async function* exportLines(
  of: ExportOf,
  { limit, cursor }: { readonly limit: number; readonly cursor: string },
): AsyncGenerator<ExportLine, void> {
  const { section: first, position } = placeOf(cursor);
  let lines = 0;
  for (const [i, kind] of EXPORT_KINDS.entries()) {
    if (i < first) continue;
    for await (const entry of SECTIONS[kind](of, i === first ? position : '0')) {
      if (lines++ >= limit) return;
      yield {
        kind: entry.data ? kind : 'progress',
        cursor: `${i} ${entry.position}`,
        data: { ...entry.data },
      };
    }
    if (kind === 'profile' && first === 0 && position === '0' && lines === 0)
      throw new ImError(ERR.UserIDNotFoundError, `there is no user ${of.userID}`);
  }
  yield { kind: 'end', cursor: `${EXPORT_KINDS.length} `, data: {} };
}

/** Calls on behalf of a user, each with the time that one has now. */
export function onBehalfOf(ctx: CallContext, userID: string): () => CallContext {
  const allowedMs = ctx.deadline - Date.now();
  const asUser = withCaller(ctx, { opUserID: userID, opPlatformID: 0, opAdmin: true });
  return () => ({ ...asUser, deadline: Date.now() + allowedMs });
}
