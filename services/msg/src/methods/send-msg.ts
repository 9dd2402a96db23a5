import { tenantId } from '@im/contract';
import { type CallContext, unknownTenant, withSpan } from '@im/kit';
import { argsError, decode, ERR, encode, ImError, make, type msg, type sdkws, toImError } from '@im/protocol';
import type { MsgDeps, MsgMethods } from '../deps.ts';
import { movedConversations } from '../notifications/moved-conversations.ts';
import { notificationMessage } from '../notifications/notification-message.ts';
import type { MessageSender } from '../send/message-sender.ts';
import { SEND_STATUS, type SendStatus } from '../send/send-status.ts';

/** Sends messages and notifications. */
export function sendMethods(
  { tenants, conversationSettings, tracing }: Pick<MsgDeps, 'tenants' | 'conversationSettings' | 'tracing'>,
  sender: MessageSender,
  status: SendStatus,
): MsgMethods<'sendMsg' | 'sendMsgs' | 'sendNotification' | 'getSendMsgStatus'> {
  async function sendItem(ctx: CallContext, item: msg.SendItem): Promise<msg.SendResult> {
    const span = tracing.tracer?.resume(item.traceparent ?? '', item.tenant, 'send message');
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
      const message = messageOf(item.msgData);
      const resp = await sender.send(withSpan(itemContext, span), message, item.msgData.length);
      span?.end();
      return make('msg.SendResult', { resp });
    } catch (error) {
      const failure = toImError(error);
      span?.end(failure);
      const { code, errMsg, detail } = failure;
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
      const { newConversation } = request;
      const membership = {
        added: addedUserIDs,
        removed: removedUserIDs,
        version: memberVersion,
        before: memberVersionBefore,
        hideHistory: addedUserIDs.length > 0 && !settings.enableHistoryForNewMembers,
      };
      const message = notificationMessage(settings, request);
      const also = await movedConversations(conversationSettings, ctx, settings, message, membership);
      const answer = await sender.append(ctx, message, { membership, changeID, also, newConversation });
      return make('msg.SendNotificationResp', answer);
    },
    async getSendMsgStatus(ctx) {
      return make('msg.GetSendMsgStatusResp', { status: await status.read(ctx) });
    },
  };
}

/** @throws ImError 1001 for texts that are not UTF-8, which would be stored longer than they were received. */
function messageOf(msgData: Uint8Array): sdkws.MsgData {
  try {
    return decode('sdkws.MsgData', msgData);
  } catch {
    throw argsError('msgData is no message; its texts must be UTF-8');
  }
}

/**
 * Answers each send when it is done: results of one tick of the event loop are one part, and the last results are
 * the answer. When all are done together, which the log's batches make likely, there is no part.
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
  const flush = () => {
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
      setImmediate(flush);
    });
  }
  if (left === 0) resolve(done);
  return promise;
}
