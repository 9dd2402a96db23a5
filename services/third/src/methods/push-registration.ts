import { requireSelf } from '@im/kit';
import { argsError, make } from '@im/protocol';
import type { ThirdDeps, ThirdMethods } from '../deps.ts';

/** Devices that get offline notifications, and their badges. */
export function pushRegistrationMethods({
  pushTokens,
}: ThirdDeps): ThirdMethods<'fcmUpdateToken' | 'setAppBadge' | 'delUserPushToken'> {
  return {
    async fcmUpdateToken(ctx, { account, platformID, fcmToken, expireTime }) {
      requireSelf(ctx, account);
      if (platformID < 1 || platformID > 11) throw argsError('platformID must be 1 to 11');
      if (fcmToken === '') throw argsError('fcmToken is empty');
      const expires = expireTime <= 0 ? 0 : Date.now() + expireTime * 1000;
      await pushTokens.put(ctx.tenant, { userID: account, platformID, token: fcmToken }, expires);
      return make('third.FcmUpdateTokenResp');
    },
    async setAppBadge(ctx, { userID, appUnreadCount }) {
      requireSelf(ctx, userID);
      await pushTokens.setBadge(ctx.tenant, userID, Math.max(0, appUnreadCount));
      return make('third.SetAppBadgeResp');
    },
    async delUserPushToken(ctx, { userID, platformID }) {
      requireSelf(ctx, userID);
      await pushTokens.remove(ctx.tenant, userID, platformID);
      return make('third.DelUserPushTokenResp');
    },
  };
}
