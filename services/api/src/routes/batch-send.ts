import { type CallContext, detached } from '@im/kit';
import { argsError, checkLimits, encode, make, type sdkws } from '@im/protocol';
import { readMessageWithObject } from '../json-body.ts';
import type { ApiCall, Route } from '../route.ts';
import { batchAnswer, type SendOutcome } from '../send/answer.ts';
import { checkSend, composeMessage } from '../send/message.ts';

/** Receivers in one call. */
const CHUNK = 500;
/** Deadline of each call; the whole batch has none. */
const CHUNK_MS = 20_000;

/** Sends one message to these receivers. Failures are part of the result, not thrown. */
async function sendTo(
  call: ApiCall,
  ctx: CallContext,
  message: sdkws.MsgData,
  recvIDs: readonly string[],
): Promise<SendOutcome[]> {
  const items = recvIDs.map((recvID) =>
    make('msg.SendItem', {
      tenant: ctx.tenant,
      operationID: ctx.operationID,
      opUserID: ctx.opUserID,
      opPlatformID: ctx.opPlatformID,
      opAdmin: ctx.opAdmin,
      msgData: encode('sdkws.MsgData', make('sdkws.MsgData', Object.assign({}, message, { recvID }))),
    }),
  );
  const { results } = await call.rpc.client('msg').sendMsgs(ctx, make('msg.SendMsgsReq', { items }));
  return recvIDs.map((recvID, i) => {
    const result = results[i];
    return { recvID, resp: result?.code === 0 ? result.resp : null };
  });
}

/** All registered users, a page at a time. */
async function* allUsers(call: ApiCall): AsyncGenerator<string[]> {
  for (let pageNumber = 1; ; pageNumber++) {
    const pagination = make('sdkws.RequestPagination', { pageNumber, showNumber: CHUNK });
    const request = make('user.GetAllUserIDReq', { pagination });
    const { userIDs } = await call.rpc.client('user').getAllUserID(detached(call.ctx, CHUNK_MS), request);
    if (userIDs.length > 0) yield userIDs;
    if (userIDs.length < CHUNK) return;
  }
}

function* chunks(list: readonly string[]): Generator<string[]> {
  for (let i = 0; i < list.length; i += CHUNK) yield list.slice(i, i + CHUNK);
}

/** The same message, with one clientMsgID, to many users or to all. */
export const batchRoute: Route = {
  path: '/msg/batch_send_msg',
  target: 'msg.sendMsgs',
  access: 'write',
  admin: true,
  changes: false,
  badInput: 400,
  requests: ['api.BatchSendMsgReq'],
  bodyLimit: Number.POSITIVE_INFINITY,
  prepare(call) {
    const {
      message: request,
      object: content,
      has,
    } = readMessageWithObject('api.BatchSendMsgReq', 'content', call.body);
    checkSend(request);
    checkLimits('api.BatchSendMsgReq', request);
    // It must be present, but may be empty with isSendAll.
    if (!has('recvIDs')) throw argsError('recvIDs is empty');
    return async () => {
      const message = await composeMessage(call, request, '', content);
      const outcomes: SendOutcome[] = [];
      for await (const recvIDs of request.isSendAll ? allUsers(call) : chunks(request.recvIDs)) {
        outcomes.push(...(await sendTo(call, detached(call.ctx, CHUNK_MS), message, recvIDs)));
      }
      return batchAnswer(outcomes);
    };
  },
};
