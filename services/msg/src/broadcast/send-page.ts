import { type CallContext, md5Hex } from '@im/kit';
import { CONTENT, ERR, encode, MSG_FROM, make, SESSION } from '@im/protocol';
import type { RpcRegistry } from '@im/rpc';
import type { Broadcast, UserRepo } from '@im/store';

/** What became of the sends of a page. */
export interface PageOutcome {
  readonly sent: readonly string[];
  /** Refused for good. */
  readonly failed: readonly string[];
  /** Not known to be sent: to be sent again. */
  readonly open: readonly string[];
  /** Why. */
  readonly error: string;
}

/** Clients that show who sent a message by platform show the one of administrators. */
const ADMIN_PLATFORM = 10;
/** Refusals that pass. */
const PASSING: ReadonlySet<number> = new Set<number>([
  ...[ERR.ServerInternalError, ERR.TooManyRequests, ERR.NetworkError, ERR.DatabaseError],
]);

/** The same for each receiver and at each attempt: what was sent is recognized. */
export function clientMsgIDOf(tenant: string, { senderID, broadcastID }: Broadcast): string {
  return md5Hex(`broadcast ${tenant} ${senderID} ${broadcastID}`);
}

/** Sends the message of a broadcast to some users. */
export async function sendPage(
  ctx: CallContext,
  { rpc, users }: { readonly rpc: Pick<RpcRegistry, 'client'>; readonly users: Pick<UserRepo, 'get'> },
  broadcast: Broadcast,
  userIDs: readonly string[],
): Promise<PageOutcome> {
  const sender = await users.get(ctx.tenant, broadcast.senderID);
  if (!sender) return { sent: [], failed: userIDs, open: [], error: '' };
  const { tenant, operationID, opUserID, opPlatformID, opAdmin } = ctx;
  const message = {
    ...{ sendID: sender.userID, senderNickname: sender.nickname, senderFaceURL: sender.faceURL },
    clientMsgID: clientMsgIDOf(tenant, broadcast),
    ...{ senderPlatformID: ADMIN_PLATFORM, sessionType: SESSION.Single, msgFrom: MSG_FROM.System },
    ...{ contentType: CONTENT.Text, content: Buffer.from(JSON.stringify({ content: broadcast.text })) },
    createTime: broadcast.requested,
  };
  const items = userIDs.map((recvID) =>
    make('msg.SendItem', {
      ...{ tenant, operationID, opUserID, opPlatformID, opAdmin },
      msgData: encode('sdkws.MsgData', make('sdkws.MsgData', { ...message, recvID })),
    }),
  );
  const { results } = await rpc.client('msg').sendMsgs(ctx, make('msg.SendMsgsReq', { items }));
  const of = (wanted: (code: number) => boolean) =>
    userIDs.filter((_, i) => wanted(results[i]?.code ?? ERR.ServerInternalError));
  const passing = results.find(({ code }) => PASSING.has(code));
  return {
    sent: of((code) => code === 0),
    failed: of((code) => code !== 0 && !PASSING.has(code)),
    open: of((code) => PASSING.has(code)),
    error: passing ? `${passing.code} ${passing.detail || passing.message}` : '',
  };
}
