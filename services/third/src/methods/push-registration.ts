import { type CallContext, requireSelf } from '@im/kit';
import { argsError, make } from '@im/protocol';
import { isPushKind, type ParsedToken, parseToken, tokenFault, tokenText } from '@im/push-providers';
import type { ThirdDeps, ThirdMethods } from '../deps.ts';

type RegistrationMethods = ThirdMethods<
  'fcmUpdateToken' | 'setPushToken' | 'delPushToken' | 'delUserPushToken' | 'setAppBadge'
>;

const PLATFORMS = [1, 11] as const;

/** Devices that get offline notifications, and their badges. */
export function pushRegistrationMethods(deps: ThirdDeps): RegistrationMethods {
  const { pushTokens, preferences, tenants } = deps;

  /** Under policy 0 a user has several logins per platform, and so several devices; else a new one replaces the old one. */
  const hasSeveral = ({ tenant }: CallContext) => tenants.get(tenant)?.multiLogin.policy === 0;

  return {
    async fcmUpdateToken(ctx, { account, platformID, fcmToken, expireTime }) {
      requireSelf(ctx, account);
      requirePlatform(platformID);
      if (fcmToken === '') throw argsError('fcmToken is empty');
      const parsed = parseToken(fcmToken);
      // What is of FCM is FCM's to judge.
      if (parsed.kind !== 'fcm') requireToken(parsed, 'fcmToken');
      const expires = expiryOf(expireTime);
      const now = Date.now();
      await pushTokens.put(ctx.tenant, { userID: account, platformID, token: fcmToken }, { expires, now });
      return make('third.FcmUpdateTokenResp');
    },
    async setPushToken(ctx, { userID, platformID, kind, token, expireTime }) {
      requireSelf(ctx, userID);
      requirePlatform(platformID);
      const text = requiredToken(kind, token);
      const registration = { expires: expiryOf(expireTime), now: Date.now(), several: hasSeveral(ctx) };
      await pushTokens.put(ctx.tenant, { userID, platformID, token: text }, registration);
      return make('third.SetPushTokenResp');
    },
    async delPushToken(ctx, { userID, kind, token }) {
      requireSelf(ctx, userID);
      await pushTokens.removeToken(ctx.tenant, userID, requiredToken(kind, token));
      return make('third.DelPushTokenResp');
    },
    async delUserPushToken(ctx, { userID, platformID }) {
      requireSelf(ctx, userID);
      if (platformID === 0) await pushTokens.removeAll(ctx.tenant, userID);
      else await pushTokens.remove(ctx.tenant, userID, platformID);
      return make('third.DelUserPushTokenResp');
    },
    async setAppBadge(ctx, { userID, appUnreadCount }) {
      requireSelf(ctx, userID);
      await preferences.setBadge(ctx.tenant, userID, Math.max(0, appUnreadCount));
      return make('third.SetAppBadgeResp');
    },
  };
}

function requirePlatform(platformID: number): void {
  const [least, most] = PLATFORMS;
  if (platformID < least || platformID > most) throw argsError(`platformID must be ${least} to ${most}`);
}

function requireToken(parsed: ParsedToken, field: string): void {
  const fault = tokenFault(parsed);
  if (fault !== undefined) throw argsError(`${field} ${fault}`);
}

/** The token as it is stored. @throws ImError 1001 for a kind that there is not, or a malformed token. */
function requiredToken(kind: string, token: string): string {
  if (!isPushKind(kind)) throw argsError('kind is not a kind of push tokens, such as apns');
  const parsed = { kind, token };
  requireToken(parsed, 'token');
  return tokenText(parsed);
}

/** @param seconds from now; 0 and less: never. */
function expiryOf(seconds: number): number {
  return seconds <= 0 ? 0 : Date.now() + seconds * 1_000;
}
