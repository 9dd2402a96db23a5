import { tenantId } from '@im/contract';
import { type CallContext, unknownTenant } from '@im/kit';
import { argsError, decode, ERR, encode, ImError, make, type msg, type sdkws, toImError } from '@im/protocol';
import { movedConversations } from '../notify/moved-conversations.ts';
import { notificationMessage } from '../notify/notification.ts';
import type { MsgMethods, MsgParts } from '../parts.ts';
import { SEND_STATUS, type SendStatus } from './send-status.ts';
import type { Sender } from './sender.ts';

/** The methods that send. */
export function sendMethods(
  { tenants, conversationSettings }: Pick<MsgParts, 'tenants' | 'conversationSettings'>,
  sender: Sender,
  status: SendStatus,
): MsgMethods<'sendMsg' | 'sendMsgs' | 'sendNotification' | 'getSendMsgStatus'> {
  async function sendItem(ctx: CallContext, item: msg.SendItem): Promise<msg.SendResult> {
    try {
      const itemContext: CallContext = {
        tenant: tenantId(item.tenant),
        operationID: item.operationID,
        // The caller of one item may wait for less than that of the batch.
        deadline: item.timeoutMs > 0 ? Math.min(ctx.deadline, Date.now() + item.timeoutMs) : ctx.deadline,
        opUserID: item.opUserID,
        opPlatformID: item.opPlatformID,
        opAdmin: item.opAdmin,
        connID: item.connID,
        signal: ctx.signal,
      };
      const m = messageOf(item.msgData);
      return make('msg.SendResult', { resp: await sender.send(itemContext, m, item.msgData.length) });
    } catch (error) {
      const { code, errMsg, detail } = toImError(error);
      return make('msg.SendResult', { code, message: errMsg, detail });
    }
  }

  return {
    async sendMsg(ctx, { msgData }) {
      if (!msgData) throw new ImError(ERR.ArgsError, 'msgData is missing');
      status.note(ctx, SEND_STATUS.Sending);
      try {
        const resp = await sender.send(ctx, msgData, encode('sdkws.MsgData', msgData).length);
        status.note(ctx, SEND_STATUS.Success);
        return resp;
      } catch (error) {
        status.note(ctx, SEND_STATUS.Failed);
        throw error;
      }
    },
    async sendMsgs(ctx, { items }) {
      const sends = items.map((item) => sendItem(ctx, item));
      if (ctx.onPartial) return answerAsDone(sends, ctx.onPartial);
      return make('msg.SendMsgsResp', { results: await Promise.all(sends) });
    },
    async sendNotification(ctx, request) {
      const settings = tenants.get(ctx.tenant);
      if (!settings) throw unknownTenant(ctx.tenant);
      const { addedUserIDs, removedUserIDs, memberVersion, memberVersionBefore, changeID } = request;
      const membership = {
        added: addedUserIDs,
        removed: removedUserIDs,
        version: memberVersion,
        before: memberVersionBefore,
        hideHistory: addedUserIDs.length > 0 && !settings.enableHistoryForNewMembers,
      };
      const m = notificationMessage(settings, request);
      const also = await movedConversations(conversationSettings, ctx, settings, m, membership);
      const answer = await sender.append(ctx, m, { membership, changeID, also });
      return make('msg.SendNotificationResp', answer);
    },
    async getSendMsgStatus(ctx) {
      return make('msg.GetSendMsgStatusResp', { status: await status.read(ctx) });
    },
  };
}

/** @throws ImError 1001: texts that are not UTF-8 would be stored longer than they were received. */
function messageOf(msgData: Uint8Array): sdkws.MsgData {
  try {
    return decode('sdkws.MsgData', msgData);
  } catch {
    throw argsError('msgData is no message; its texts must be UTF-8');
  }
}

/**
 * Answers each send when it is done: what is done in one tick of the event loop goes as one part, and
 * the last results are the answer. When all are done together, which is what the log's batches make of
 * them, there is no part.
 * @param sends none of them rejects.
 */
function answerAsDone(
  sends: readonly Promise<msg.SendResult>[],
  onPartial: (answer: object) => void,
): Promise<msg.SendMsgsResp> {
  const { promise, resolve } = Promise.withResolvers<msg.SendMsgsResp>();
  let left = sends.length;
  let done = make('msg.SendMsgsResp');
  let scheduled = false;
  const tell = () => {
    scheduled = false;
    const answer = done;
    done = make('msg.SendMsgsResp');
    if (left === 0) resolve(answer);
    else onPartial(answer);
  };
  for (const [index, send] of sends.entries()) {
    void send.then((result) => {
      left--;
      done.results.push(result);
      done.indexes.push(index);
      if (scheduled) return;
      scheduled = true;
      setImmediate(tell);
    });
  }
  if (left === 0) resolve(done);
  return promise;
}
