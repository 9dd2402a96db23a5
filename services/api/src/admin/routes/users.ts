import {
  type Ban,
  banUser,
  getUser,
  listBans,
  listUsers,
  logoutUser,
  type User,
  unbanUser,
} from '@im/admin-api';
import { type auth, ERR, ImError, make, type sdkws } from '@im/protocol';
import { type AdminCall, type AdminRoute, adminRoute } from '../admin-route.ts';
import { fromOpaque, opaque } from '../cursor.ts';

function banOf({ userID, untilTime, reason, time, adminUserID }: auth.Ban): Ban {
  return { userID, untilTime, reason, time, adminID: adminUserID };
}

function userOf(user: sdkws.UserInfo, ban: auth.Ban | undefined): User {
  const { userID, nickname, faceURL, ex, createTime, appMangerLevel, globalRecvMsgOpt } = user;
  return {
    ...{ userID, nickname, faceURL, ex, createTime },
    level: appMangerLevel,
    receiveOption: globalRecvMsgOpt,
    ...(ban && !ban.deleted && { ban: banOf(ban) }),
    deleted: ban?.deleted ?? false,
  };
}

async function usersOf({ ctx, rpc }: AdminCall, users: readonly sdkws.UserInfo[]): Promise<User[]> {
  if (users.length === 0) return [];
  const userIDs = users.map(({ userID }) => userID);
  const { bans } = await rpc.client('auth').getBans(ctx, make('auth.GetBansReq', { userIDs }));
  const banOfUser = new Map(bans.map((ban) => [ban.userID, ban]));
  return users.map((user) => userOf(user, banOfUser.get(user.userID)));
}

/** @throws ImError 1101. */
async function requireUser({ ctx, rpc }: AdminCall, userID: string): Promise<sdkws.UserInfo> {
  const request = make('user.GetDesignateUsersReq', { userIDs: [userID] });
  const [user] = (await rpc.client('user').getDesignateUsers(ctx, request)).usersInfo;
  if (!user) throw new ImError(ERR.UserIDNotFoundError, `there is no user ${userID}`);
  return user;
}

/** Users of a tenant. */
export const userRoutes: readonly AdminRoute[] = [
  adminRoute(listUsers, 'user.searchUsers', async (call, { query }) => {
    const { userID = '', nickname = '', limit, cursor } = query;
    const request = { userID, nickName: nickname, limit, cursor: fromOpaque(cursor) };
    const client = call.rpc.client('user');
    const found = await client.searchUsers(call.ctx, make('user.SearchUsersReq', request));
    return { users: await usersOf(call, found.users), ...opaque(found.cursor) };
  }),
  adminRoute(getUser, 'user.getDesignateUsers', async (call, { params: { userID } }) => {
    const { ctx, rpc } = call;
    const status = make('user.GetUsersOnlineStatusReq', { userIDs: [userID] });
    const [found, { results }] = await Promise.all([
      requireUser(call, userID),
      rpc.client('user').getUsersOnlineStatus(ctx, status),
    ]);
    const [user = userOf(found, undefined)] = await usersOf(call, [found]);
    const platforms = results.flatMap(({ detailPlatformStatus }) => detailPlatformStatus);
    const onlinePlatformIDs = [...new Set(platforms.map(({ platformID }) => platformID))].sort(
      (a, b) => a - b,
    );
    return { user, onlinePlatformIDs };
  }),
  adminRoute(banUser, 'auth.banUser', async ({ ctx, rpc }, { params, body }) => {
    const request = make('auth.BanUserReq', { ...params, ...body });
    const { ban } = await rpc.client('auth').banUser(ctx, request);
    return { ban: banOf(ban ?? make('auth.Ban')) };
  }),
  adminRoute(unbanUser, 'auth.unbanUser', async (call, { params }) => {
    await requireUser(call, params.userID);
    const { ended } = await call.rpc.client('auth').unbanUser(call.ctx, make('auth.UnbanUserReq', params));
    return { ended };
  }),
  adminRoute(listBans, 'auth.searchBans', async ({ ctx, rpc }, { query: { limit, cursor } }) => {
    const request = make('auth.SearchBansReq', { limit, cursor: fromOpaque(cursor) });
    const found = await rpc.client('auth').searchBans(ctx, request);
    return { bans: found.bans.map(banOf), ...opaque(found.cursor) };
  }),
  adminRoute(logoutUser, 'auth.forceLogout', async (call, { params, body: { platformID = 0 } }) => {
    await requireUser(call, params.userID);
    const request = make('auth.ForceLogoutReq', { ...params, platformID });
    await call.rpc.client('auth').forceLogout(call.ctx, request);
    return {};
  }),
];
