import { importUsers } from '@im/admin-api';
import { argsError, make } from '@im/protocol';
import { type AdminRoute, adminRoute } from '../admin-route.ts';

/** Accounts from elsewhere. */
export const importRoutes: readonly AdminRoute[] = [
  adminRoute(importUsers, 'user.userRegister', async ({ ctx, rpc }, { body: { users, dryRun } }) => {
    const checkUserIDs = users.map(({ userID }) => userID);
    const repeated = checkUserIDs.find((userID, i) => checkUserIDs.indexOf(userID) !== i);
    if (repeated !== undefined) throw argsError(`users: ${repeated} is there twice`);
    const client = rpc.client('user');
    const { results } = await client.accountCheck(ctx, make('user.AccountCheckReq', { checkUserIDs }));
    const taken = new Set(
      results.filter(({ accountStatus }) => accountStatus === 1).map(({ userID }) => userID),
    );
    const wanted = users
      .filter(({ userID }) => !taken.has(userID))
      .map((user) => make('sdkws.UserInfo', { ...user, nickname: user.nickname || user.userID }));
    if (!dryRun && wanted.length > 0)
      await client.userRegister(ctx, make('user.UserRegisterReq', { users: wanted }));
    return { registered: wanted.length, takenUserIDs: [...taken] };
  }),
];
