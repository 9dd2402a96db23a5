import {
  argsError,
  CONTENT,
  checkLimits,
  ERR,
  fromJson,
  ImError,
  MSG_FROM,
  make,
  PLATFORM,
  SESSION,
} from '@im/protocol';
import { readMessage, readMessageWithObject } from '../json-body.ts';
import { bodyLimitFor } from '../request-body.ts';
import type { ApiCall, Route } from '../route.ts';
import { sendAnswer } from '../send/answer.ts';
import { checkSend, composeMessage, newClientMsgID } from '../send/message.ts';
import { batchRoute } from './batch-send.ts';

/** A message of 256 KiB, each byte escaped in JSON. */
const MESSAGE_BODY = bodyLimitFor(6 * 262_144);
const DEFAULT_RELIABILITY = 1;

const sendRoute: Route = {
  path: '/msg/send_msg',
  target: 'msg.sendMsg',
  access: 'write',
  admin: true,
  changes: false,
  badInput: 400,
  requests: ['api.SendMsgReq'],
  bodyLimit: MESSAGE_BODY,
  prepare(call) {
    const { message: request, object: content } = readMessageWithObject(
      'api.SendMsgReq',
      'content',
      call.body,
    );
    const { recvID, groupID, sessionType } = request;
    checkSend(request);
    checkLimits('api.SendMsgReq', request);
    const toGroup = sessionType === SESSION.Group || sessionType === SESSION.WriteGroup;
    if (toGroup && groupID === '') throw argsError('groupID is empty');
    if ((sessionType === SESSION.Single || sessionType === SESSION.Notification) && recvID === '') {
      throw argsError('recvID is empty');
    }
    return async () => {
      const msgData = await composeMessage(call, request, recvID, content);
      return sendAnswer(await call.rpc.client('msg').sendMsg(call.ctx, make('msg.SendMsgReq', { msgData })));
    };
  },
};

/** The `key` that webhooks received with a message; it addresses the reply. @throws ImError 1001. */
function readKey({ query }: ApiCall) {
  const key = query.get('key') ?? '';
  if (key === '') throw argsError('key is empty');
  try {
    return fromJson('api.SimpleMsgKey', Buffer.from(key, 'base64').toString('utf8'));
  } catch {
    throw argsError('key is not base64 of JSON');
  }
}

const simpleRoute: Route = {
  path: '/msg/send_simple_msg',
  target: 'msg.sendMsg',
  access: 'write',
  admin: false,
  changes: false,
  badInput: 400,
  requests: ['api.SendSimpleMsgReq', 'api.SimpleMsgKey'],
  bodyLimit: MESSAGE_BODY,
  prepare(call) {
    const key = readKey(call);
    const request = readMessage('api.SendSimpleMsgReq', call.body);
    if (request.content === '') throw argsError('content is empty');
    checkLimits('api.SendSimpleMsgReq', request);
    checkLimits('api.SimpleMsgKey', key);
    const toGroup = key.groupID !== '';
    const sendID = toGroup ? request.sendID : key.recvID;
    if (sendID === '') throw argsError(toGroup ? 'sendID is empty' : 'recvID of key is empty');
    return async () => {
      const { ctx, rpc } = call;
      if (!ctx.opAdmin && ctx.opUserID !== sendID)
        throw new ImError(ERR.NoPermissionError, 'sender is another user');
      const profile = make('user.GetDesignateUsersReq', { userIDs: [sendID] });
      const [sender] = (await rpc.client('user').getDesignateUsers(ctx, profile)).usersInfo;
      if (!sender) throw new ImError(ERR.UserIDNotFoundError, 'sender is not registered');
      const msgData = make('sdkws.MsgData', {
        sendID,
        recvID: toGroup ? '' : key.sendID,
        groupID: key.groupID,
        clientMsgID: newClientMsgID(sendID),
        senderPlatformID: PLATFORM.Admin,
        senderNickname: sender.nickname,
        senderFaceURL: sender.faceURL,
        sessionType: toGroup ? SESSION.Group : SESSION.Single,
        msgFrom: MSG_FROM.User,
        contentType: CONTENT.Markdown,
        content: Buffer.from(JSON.stringify({ content: request.content })),
        createTime: Date.now(),
        offlinePushInfo: request.offlinePushInfo,
        ex: request.ex,
      });
      return sendAnswer(await rpc.client('msg').sendMsg(ctx, make('msg.SendMsgReq', { msgData })));
    };
  },
};

const businessRoute: Route = {
  path: '/msg/send_business_notification',
  target: 'msg.sendNotification',
  access: 'write',
  admin: true,
  changes: false,
  badInput: 400,
  requests: ['api.SendBusinessNotificationReq'],
  bodyLimit: MESSAGE_BODY,
  prepare(call) {
    const request = readMessage('api.SendBusinessNotificationReq', call.body);
    const { key, data, sendUserID, recvUserID, recvGroupID, sendMsg, reliabilityLevel } = request;
    if (sendUserID === '') throw argsError('sendUserID is empty');
    if ((recvUserID === '') === (recvGroupID === '')) {
      throw argsError('exactly one of recvUserID and recvGroupID must be given');
    }
    checkLimits('api.SendBusinessNotificationReq', request);
    return async () => {
      const answer = await call.rpc.client('msg').sendNotification(
        call.ctx,
        make('msg.SendNotificationReq', {
          contentType: CONTENT.Business,
          sessionType: recvGroupID === '' ? SESSION.Single : SESSION.Group,
          sendID: sendUserID,
          recvID: recvGroupID === '' ? recvUserID : recvGroupID,
          detail: JSON.stringify({ key, data }),
          sendMessage: sendMsg,
          reliabilityLevel: reliabilityLevel ?? DEFAULT_RELIABILITY,
        }),
      );
      return sendAnswer(make('msg.SendMsgResp', answer));
    };
  },
};

/**
 * The routes that send, docs/protocol/http.md: administrators send as any user, bots as themselves. Rates of messages
 * apply to them, not those of changes.
 */
export const sendRoutes: readonly Route[] = [sendRoute, batchRoute, simpleRoute, businessRoute];
