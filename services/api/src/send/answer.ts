import { type api, make, type msg, type sdkws, toJson } from '@im/protocol';

/** Fields of a message that the answer already has. */
const IN_ANSWER = new Set(['serverMsgID', 'clientMsgID', 'sendTime']);

/** Lists and maps are never absent, changed or not. */
function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

/** The fields that a webhook changed, as JSON; content as text. */
function modified(message: sdkws.MsgData): string {
  const changed: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(message)) {
    if (IN_ANSWER.has(key) || isEmpty(value)) continue;
    changed[key] = value instanceof Uint8Array ? Buffer.from(value).toString() : value;
  }
  return JSON.stringify(changed);
}

function withModify(text: string, modify: sdkws.MsgData | null): string {
  return modify === null ? text : `${text.slice(0, -1)},"modify":${modified(modify)}}`;
}

/** `data` of a send; `modify` only when a webhook changed the message. */
export function sendAnswer({ serverMsgID, clientMsgID, sendTime, modify }: msg.SendMsgResp): string {
  return withModify(
    toJson('api.SendMsgResp', make('api.SendMsgResp', { serverMsgID, clientMsgID, sendTime })),
    modify,
  );
}

/** Outcome for one receiver; resp is null when the send failed. */
export interface SendOutcome {
  readonly recvID: string;
  readonly resp: msg.SendMsgResp | null;
}

/** `data` of a batch: lists are null when empty. */
export function batchAnswer(outcomes: readonly SendOutcome[]): string {
  const results: string[] = [];
  const failed: string[] = [];
  for (const { recvID, resp } of outcomes) {
    if (resp === null) {
      failed.push(recvID);
      continue;
    }
    const { serverMsgID, clientMsgID, sendTime } = resp;
    const result: api.SingleSendResult = make('api.SingleSendResult', {
      serverMsgID,
      clientMsgID,
      sendTime,
      recvID,
    });
    results.push(withModify(toJson('api.SingleSendResult', result), resp.modify));
  }
  const list = (entries: readonly string[]) => (entries.length === 0 ? 'null' : `[${entries.join(',')}]`);
  return `{"results":${list(results)},"failedUserIDs":${list(failed.map((id) => JSON.stringify(id)))}}`;
}
