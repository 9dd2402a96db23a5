import { pageRange } from '@im/kit';
import { argsError, MANAGER_LEVEL, make, type sdkws } from '@im/protocol';
import type { UserDeps, UserMethods } from '../deps.ts';
import { checkUserID, randomUserID, requireRoom } from '../limits.ts';

type NotificationAccountMethods = UserMethods<
  'addNotificationAccount' | 'updateNotificationAccountInfo' | 'searchNotificationAccount'
>;

/** Random ids tried before giving up; one in 9·10^9 is taken per registered account. */
const MAX_TRIES = 5;

function toAccount({ userID, nickname, faceURL, appMangerLevel }: sdkws.UserInfo) {
  return make('user.NotificationAccountInfo', { userID, nickName: nickname, faceURL, appMangerLevel });
}

/** Accounts that send notifications to users: level 3 and above. Admin rights are checked at the edge. */
export function notificationAccountMethods(deps: UserDeps): NotificationAccountMethods {
  const { users, tenants } = deps;
  return {
    async addNotificationAccount(ctx, { userID: given, nickName, faceURL, appMangerLevel }) {
      if (appMangerLevel < MANAGER_LEVEL.Notification) throw argsError('appMangerLevel must be 3 or more');
      if (given !== '') checkUserID(given);
      await requireRoom(deps, ctx, 1);
      for (let tries = given === '' ? MAX_TRIES : 1; tries > 0; tries--) {
        const userID = given === '' ? randomUserID() : given;
        const profile = { userID, nickname: nickName, faceURL, ex: '', createTime: Date.now() };
        const taken = await users.insert(ctx.tenant, [{ ...profile, appMangerLevel, globalRecvMsgOpt: 0 }]);
        if (taken.length > 0) continue;
        return make('user.AddNotificationAccountResp', { userID, nickName, faceURL, appMangerLevel });
      }
      throw argsError('userID is used');
    },
    async updateNotificationAccountInfo(ctx, { userID, nickName, faceURL }) {
      if (nickName === '' && faceURL === '') throw argsError('nickName and faceURL are empty');
      const changed = await users.update(ctx.tenant, userID, {
        nickname: nickName || undefined,
        faceURL: faceURL || undefined,
      });
      if (!changed) throw argsError('userID is not registered');
      return make('user.UpdateNotificationAccountInfoResp');
    },
    async searchNotificationAccount(ctx, { keyword, appManagerLevel, pagination }) {
      const except = tenants.get(ctx.tenant)?.adminUserIDs ?? [];
      const query = { keyword, level: appManagerLevel ?? undefined, except };
      const { total, users: found } = await users.systemAccounts(ctx.tenant, query, pageRange(pagination));
      return make('user.SearchNotificationAccountResp', {
        total,
        notificationAccounts: found.map(toAccount),
      });
    },
  };
}
