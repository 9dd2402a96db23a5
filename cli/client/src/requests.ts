import { decode, encode, MSG_FROM, make, type msg, REQ, SESSION, type sdkws } from '@im/protocol';
import type { RequestOptions, WireConnection } from './connection.ts';
import { loadContent } from './load-text.ts';
import { type ScannedMessage, scanPush } from './scan-push.ts';

/** Where a message goes: one of the two. */
export interface Target {
  readonly user?: string;
  readonly group?: string;
}

/** The bytes of a text message, as SDKs send it. */
export function textMessage(sendID: string, target: Target, clientMsgID: string, text: string): Uint8Array {
  return encode(
    'sdkws.MsgData',
    make('sdkws.MsgData', {
      sendID,
      recvID: target.user ?? '',
      groupID: target.group ?? '',
      clientMsgID,
      senderPlatformID: 5,
      senderNickname: sendID,
      sessionType: target.group === undefined ? SESSION.Single : SESSION.Group,
      msgFrom: MSG_FROM.User,
      contentType: 101,
      content: loadContent(text),
      createTime: Date.now(),
      status: 1,
      offlinePushInfo: make('sdkws.OfflinePushInfo', { title: 'you have a new message' }),
    }),
  );
}

/** 1003. */
export async function sendMessage(
  connection: WireConnection,
  message: Uint8Array,
  options?: RequestOptions,
): Promise<sdkws.UserSendMsgResp> {
  return decode('sdkws.UserSendMsgResp', await connection.request(REQ.SendMsg, message, options));
}

/** 1001: the highest seq of every conversation that has one. */
export async function newestSeqs(connection: WireConnection): Promise<Record<string, number>> {
  const request = make('sdkws.GetMaxSeqReq', { userID: connection.userID });
  const answer = await connection.request(REQ.GetNewestSeq, encode('sdkws.GetMaxSeqReq', request));
  return decode('sdkws.GetMaxSeqResp', answer).maxSeqs;
}

/** 1006 for all conversations of the user. */
export async function readPositions(connection: WireConnection): Promise<Record<string, msg.Seqs>> {
  const request = make('msg.GetConversationsHasReadAndMaxSeqReq', { userID: connection.userID });
  const bytes = encode('msg.GetConversationsHasReadAndMaxSeqReq', request);
  const answer = await connection.request(REQ.GetConvMaxReadSeq, bytes);
  return decode('msg.GetConversationsHasReadAndMaxSeqResp', answer).seqs;
}

/** Messages asked for at once. Answers stay well below the size at which clients give up. */
const PULL_STEP = 100;

/**
 * 1002 in steps: the answers with the messages of a conversation from `begin` to `end`, both included, rising.
 * @param step messages per request. @default 100
 */
export async function* pullAnswers(
  connection: WireConnection,
  conversationID: string,
  begin: number,
  end: number,
  step = PULL_STEP,
): AsyncGenerator<Uint8Array> {
  for (let from = begin; from <= end; from += step) {
    const to = Math.min(end, from + step - 1);
    const request = make('sdkws.PullMessageBySeqsReq', {
      userID: connection.userID,
      seqRanges: [make('sdkws.SeqRange', { conversationID, begin: from, end: to, num: to - from + 1 })],
    });
    yield await connection.request(REQ.PullMsgByRange, encode('sdkws.PullMessageBySeqsReq', request));
  }
}

/** 1002 in steps: the messages of a conversation from `begin` to `end`, both included, rising. */
export async function* pullRange(
  connection: WireConnection,
  conversationID: string,
  begin: number,
  end: number,
): AsyncGenerator<ScannedMessage> {
  for await (const answer of pullAnswers(connection, conversationID, begin, end)) {
    yield* scanPush(answer).filter((message) => message.conversationID === conversationID);
  }
}
