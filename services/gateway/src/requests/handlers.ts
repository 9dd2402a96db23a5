import { type CallContext, randomId, requireSelf } from '@im/kit';
import {
  answerBytes,
  argsError,
  checkLimits,
  decode,
  ERR,
  encode,
  ImError,
  type MessageName,
  type Messages,
  make,
  REQ,
  withClientMsgID,
} from '@im/protocol';
import type { DomainService } from '@im/rpc';
import type { TenantLimits } from '../connect/tenant-limits.ts';
import type { Connection } from '../connection/connection.ts';
import type { TenantTraffic } from '../connection/tenant-traffic.ts';
import type { CatchUps } from '../deliver/catch-up.ts';
import type { PresenceReporter } from '../presence/presence-reporter.ts';
import type { PresenceWatch } from '../presence/presence-watch.ts';
import { framingAt } from '../wire/frame.ts';
import type { InputRate } from './request-limits.ts';
import type { SendBatcher } from './send-batcher.ts';

/**
 * Answers one request: protobuf in, protobuf out, null for an answer without data.
 * @throws ImError that becomes the error reply; what isn't one becomes 500.
 */
export type Handler = (
  connection: Connection,
  ctx: CallContext,
  data: Uint8Array,
) => Promise<Uint8Array | null>;

export interface HandlerDeps {
  readonly msg: Pick<
    DomainService<'msg'>,
    | 'getMaxSeq'
    | 'pullMessageBySeqs'
    | 'getSeqMessage'
    | 'getConversationsHasReadAndMaxSeq'
    | 'getLastMessage'
  >;
  readonly third: Pick<DomainService<'third'>, 'delUserPushToken'>;
  readonly sendBatcher: SendBatcher;
  readonly limits: TenantLimits;
  readonly traffic: Pick<TenantTraffic, 'sent'>;
  readonly presence: Pick<PresenceReporter, 'changed'>;
  readonly watch: Pick<PresenceWatch, 'change'>;
  readonly catchUps: Pick<CatchUps, 'onSynced'>;
  readonly inputRate: Pick<InputRate, 'charge'>;
}

/** So many users in a request 2005 count as one frame more: each may be a subscription that begins or ends. */
const WATCHES_PER_FRAME = 50;

/** What a request must satisfy, by its identifier. Any other identifier closes the connection. */
export interface Route {
  readonly handle: Handler;
  /** What the client sends; undefined for a request that is refused whatever it holds. */
  readonly request?: MessageName;
  /** operationID and msgIncr must not be empty. */
  readonly requireIds?: boolean;
  /** The connection's first such answer waits until its deliveries are complete. */
  readonly waitForSubscriptions?: boolean;
  /** With the answer the client knows of all messages that were stored before. */
  readonly marksSynced?: boolean;
  /** The connection is closed behind the answer, whatever it is. */
  readonly closesAfter?: boolean;
}

/** The message of a request, within its limits. @throws ImError 1001; Error for what is no such message. */
function read<N extends MessageName>(name: N, data: Uint8Array): Messages[N] {
  const message = decode(name, data);
  checkLimits(name, message);
  return message;
}

interface PullRequest {
  readonly userID: string;
  maxAnswerBytes: number;
}

/** Messages by which users ask for what is theirs. */
type PullName = { [N in MessageName]: Messages[N] extends PullRequest ? N : never }[MessageName];

/** Answers users with what is theirs alone, as much as fits into one frame of their connection. */
function pull<Req extends PullName, Resp extends MessageName>(
  request: Req,
  response: Resp,
  answer: (ctx: CallContext, message: Messages[Req], connection: Connection) => Promise<Messages[Resp]>,
): Route {
  return {
    request,
    async handle(connection, ctx, data) {
      const message = read(request, data);
      const bounded: PullRequest = message;
      bounded.maxAnswerBytes = answerBytes(framingAt(connection.framing));
      requireSelf(ctx, bounded.userID);
      return encode(response, await answer(ctx, message, connection));
    },
  };
}

/** The requests that a client may make. Source: docs/protocol/requests.md. */
export function createHandlers(deps: HandlerDeps): ReadonlyMap<number, Route> {
  const { msg, third, sendBatcher, limits, traffic, presence, watch, catchUps, inputRate } = deps;

  const routes: [number, Route][] = [
    [
      REQ.GetNewestSeq,
      {
        ...pull('sdkws.GetMaxSeqReq', 'sdkws.GetMaxSeqResp', (ctx, message) => msg.getMaxSeq(ctx, message)),
        waitForSubscriptions: true,
        marksSynced: true,
      },
    ],
    [
      REQ.PullMsgByRange,
      {
        ...pull('sdkws.PullMessageBySeqsReq', 'msg.EncodedPull', (ctx, message) =>
          msg.pullMessageBySeqs(ctx, message),
        ),
        requireIds: true,
      },
    ],
    [
      REQ.SendMsg,
      {
        request: 'sdkws.MsgData',
        async handle(_connection, ctx, data) {
          const msgData = withClientMsgID(data, randomId);
          if (!limits.takeMessage(ctx.tenant))
            throw new ImError(ERR.TooManyRequests, 'too many messages of this tenant');
          traffic.sent(ctx.tenant);
          return encode('msg.SendMsgResp', await sendBatcher.send(ctx, msgData));
        },
      },
    ],
    [
      REQ.SendSignal,
      {
        async handle() {
          throw argsError('signals are not supported');
        },
      },
    ],
    [
      REQ.PullMsgBySeqList,
      {
        ...pull('msg.GetSeqMessageReq', 'msg.EncodedPull', (ctx, message) => msg.getSeqMessage(ctx, message)),
        requireIds: true,
      },
    ],
    [
      REQ.GetConvMaxReadSeq,
      {
        ...pull(
          'msg.GetConversationsHasReadAndMaxSeqReq',
          'msg.GetConversationsHasReadAndMaxSeqResp',
          async (ctx, message, connection) => {
            const response = await msg.getConversationsHasReadAndMaxSeq(ctx, message);
            if (connection.catchUp) {
              const known = Object.entries(response.seqs).map(([id, { maxSeq }]) => [id, maxSeq] as const);
              catchUps.onSynced(connection, new Map(known));
            }
            return response;
          },
        ),
        requireIds: true,
        waitForSubscriptions: true,
        marksSynced: true,
      },
    ],
    [
      REQ.PullConvLastMessage,
      pull('msg.GetLastMessageReq', 'msg.EncodedLast', async (ctx, message) => {
        message.skipDeleted = false;
        const { msgs } = await msg.getLastMessage(ctx, message);
        return make('msg.EncodedLast', { msgs });
      }),
    ],
    [
      REQ.Logout,
      {
        request: 'third.DelUserPushTokenReq',
        closesAfter: true,
        async handle(connection, ctx, data) {
          // Only well-formedness counts: whose registration ends is the connection's own business.
          read('third.DelUserPushTokenReq', data);
          const { user, platformID } = connection;
          const request = make('third.DelUserPushTokenReq', { userID: user.userID, platformID });
          return encode('third.DelUserPushTokenResp', await third.delUserPushToken(ctx, request));
        },
      },
    ],
    [
      REQ.SetBackground,
      {
        request: 'sdkws.SetAppBackgroundStatusReq',
        requireIds: true,
        async handle(connection, _ctx, data) {
          connection.inBackground = read('sdkws.SetAppBackgroundStatusReq', data).isBackground;
          presence.changed(connection.user);
          return null;
        },
      },
    ],
    [
      REQ.SubUserOnlineStatus,
      {
        request: 'sdkws.SubUserOnlineStatus',
        waitForSubscriptions: true,
        async handle(connection, ctx, data) {
          const request = read('sdkws.SubUserOnlineStatus', data);
          const users = request.subscribeUserID.length + request.unsubscribeUserID.length;
          inputRate.charge(connection, users / WATCHES_PER_FRAME);
          return encode('sdkws.SubUserOnlineStatusTips', await watch.change(connection, ctx, request));
        },
      },
    ],
  ];
  return new Map(routes);
}

/** One request that clients make over WebSocket, for tables about it. */
export interface RequestDescription {
  readonly identifier: number;
  /** Undefined for a request that is refused whatever it holds. */
  readonly request: MessageName | undefined;
}

/** Every request, by its identifier. */
export function describeRequests(): RequestDescription[] {
  // The handlers only hold what they need until they are called.
  return [...createHandlers({} as HandlerDeps)].map(([identifier, { request }]) => ({ identifier, request }));
}
