import { sendBroadcast } from '@im/admin-api';
import { md5Hex } from '@im/kit';
import { argsError, CONTENT, ERR, encode, ImError, MSG_FROM, make, SESSION, type sdkws } from '@im/protocol';
import { type AdminCall, type AdminRoute, adminRoute } from '../admin-route.ts';
import { fromOpaque, opaque } from '../cursor.ts';

/** Clients that show who sent a message by platform show the one of administrators. */
const ADMIN_PLATFORM = 10;

interface Page {
  readonly userIDs: readonly string[];
  readonly unknown: readonly string[];
  /** Where the next page begins; empty on the last one. */
  readonly cursor: string;
}

/** Users who are named. */
async function named({ ctx, rpc }: AdminCall, given: readonly string[]): Promise<Page> {
  const userIDs = [...new Set(given)];
  const request = make('user.GetDesignateUsersReq', { userIDs });
  const { usersInfo } = await rpc.client('user').getDesignateUsers(ctx, request);
  const known = new Set(usersInfo.map(({ userID }) => userID));
  return {
    userIDs: userIDs.filter((id) => known.has(id)),
    unknown: userIDs.filter((id) => !known.has(id)),
    cursor: '',
  };
}

/** The next page of all users. */
async function next({ ctx, rpc }: AdminCall, limit: number, cursor: string): Promise<Page> {
  const found = await rpc.client('user').searchUsers(ctx, make('user.SearchUsersReq', { limit, cursor }));
  return { userIDs: found.users.map(({ userID }) => userID), unknown: [], cursor: found.cursor };
}

/** Those of some users who can receive: neither deleted nor banned. */
async function receivers({ ctx, rpc }: AdminCall, { userIDs }: Page, senderID: string): Promise<string[]> {
  if (userIDs.length === 0) return [];
  const { bans } = await rpc.client('auth').getBans(ctx, make('auth.GetBansReq', { userIDs: [...userIDs] }));
  const excluded = new Set([senderID, ...bans.map(({ userID }) => userID)]);
  return userIDs.filter((id) => !excluded.has(id));
}

/** Messages to many users. */
export const broadcastRoutes: readonly AdminRoute[] = [
  adminRoute(sendBroadcast, 'msg.sendMsgs', async (call, { body }) => {
    const { broadcastID, senderID, text, userIDs, limit, cursor, dryRun } = body;
    if (userIDs && cursor !== undefined)
      throw argsError('cursor is for all users: leave out userIDs or cursor');
    const page = userIDs ? await named(call, userIDs) : await next(call, limit, fromOpaque(cursor));
    const sender = await senderOf(call, senderID);
    const to = await receivers(call, page, senderID);
    const answer = { receivers: to.length, unknownUserIDs: [...page.unknown], ...opaque(page.cursor) };
    if (dryRun || to.length === 0) return { ...answer, sent: 0, failed: [] };
    const message = make('sdkws.MsgData', {
      ...{ sendID: senderID, senderNickname: sender.nickname, senderFaceURL: sender.faceURL },
      // The same at each attempt: what was sent is recognized.
      clientMsgID: md5Hex(`broadcast ${call.tenant.id} ${senderID} ${broadcastID}`),
      ...{ senderPlatformID: ADMIN_PLATFORM, sessionType: SESSION.Single, msgFrom: MSG_FROM.System },
      ...{ contentType: CONTENT.Text, content: Buffer.from(JSON.stringify({ content: text })) },
      createTime: Date.now(),
    });
    const failed = await sendTo(call, message, to);
    return { ...answer, sent: to.length - failed.length, failed: failed.map((userID) => ({ userID })) };
  }),
];

/** @throws ImError 1101. */
async function senderOf({ ctx, rpc }: AdminCall, senderID: string): Promise<sdkws.UserInfo> {
  const request = make('user.GetDesignateUsersReq', { userIDs: [senderID] });
  const [sender] = (await rpc.client('user').getDesignateUsers(ctx, request)).usersInfo;
  if (!sender) throw new ImError(ERR.UserIDNotFoundError, `senderID: there is no user ${senderID}`);
  return sender;
}

/** @returns the users whom the message did not reach. */
async function sendTo(
  { ctx, rpc }: AdminCall,
  message: sdkws.MsgData,
  userIDs: readonly string[],
): Promise<string[]> {
  const { tenant, operationID, opUserID, opPlatformID, opAdmin } = ctx;
  const items = userIDs.map((recvID) =>
    make('msg.SendItem', {
      ...{ tenant, operationID, opUserID, opPlatformID, opAdmin },
      msgData: encode('sdkws.MsgData', make('sdkws.MsgData', Object.assign({}, message, { recvID }))),
    }),
  );
  const { results } = await rpc.client('msg').sendMsgs(ctx, make('msg.SendMsgsReq', { items }));
  return userIDs.filter((_, i) => results[i]?.code !== 0);
}
