import { make, type user } from '@im/protocol';
import type { UserDeps, UserMethods } from '../deps.ts';

type OnlineStatusMethods = UserMethods<
  | 'reportPresence'
  | 'gatewayHeartbeat'
  | 'getOnlinePlatforms'
  | 'getUserStatus'
  | 'getUsersOnlineStatus'
  | 'getUsersOnlineTokenDetail'
  | 'subscribeOrCancelUsersStatus'
  | 'getSubscribeUsersStatus'
>;

const ONLINE = 1;
const OFFLINE = 0;

function distinctPlatforms(connections: readonly user.PlatformOnlineDetail[]): number[] {
  return [...new Set(connections.map(({ platformID }) => platformID))].sort((a, b) => a - b);
}

function tokensByPlatform(connections: readonly user.PlatformOnlineDetail[]): user.SinglePlatformToken[] {
  return distinctPlatforms(connections).map((platformID) => {
    const token = connections.filter((c) => c.platformID === platformID).map((c) => c.token);
    return make('user.SinglePlatformToken', { platformID, total: token.length, token });
  });
}

/** Presence. Subscriptions belong to connections; the HTTP routes for them do nothing, as in OpenIM. */
export function onlineStatusMethods({ presence }: UserDeps): OnlineStatusMethods {
  return {
    async reportPresence(_ctx, request) {
      await presence.report(request);
      return make('user.ReportPresenceResp');
    },
    async gatewayHeartbeat(_ctx, request) {
      return make('user.GatewayHeartbeatResp', { ...(await presence.heartbeat(request)), sharing: true });
    },
    async getOnlinePlatforms(ctx, { userIDs }) {
      const online = await presence.connections(ctx.tenant, userIDs);
      const users = userIDs.map((userID) =>
        make('sdkws.SubUserOnlineStatusElem', {
          userID,
          onlinePlatformIDs: distinctPlatforms(online.get(userID) ?? []),
        }),
      );
      return make('user.GetOnlinePlatformsResp', { users });
    },
    async getUserStatus(ctx, { userIDs }) {
      const online = await presence.connections(ctx.tenant, userIDs);
      const statusList = userIDs.map((userID) => {
        const platformIDs = distinctPlatforms(online.get(userID) ?? []);
        return make('user.OnlineStatus', {
          userID,
          status: platformIDs.length > 0 ? ONLINE : OFFLINE,
          platformIDs,
        });
      });
      return make('user.GetUserStatusResp', { statusList });
    },
    async getUsersOnlineStatus(ctx, { userIDs }) {
      const online = await presence.connections(ctx.tenant, userIDs);
      const results = userIDs.map((userID) => {
        const detailPlatformStatus = online.get(userID) ?? [];
        const status = detailPlatformStatus.length > 0 ? ONLINE : OFFLINE;
        return make('user.UserOnlineStatusDetail', { userID, status, detailPlatformStatus });
      });
      return make('user.GetUsersOnlineStatusResp', { results });
    },
    async getUsersOnlineTokenDetail(ctx, { userIDs }) {
      // Others than administrators get nothing, without an error: OpenIM's answer to them is null.
      if (!ctx.opAdmin) return make('user.GetUsersOnlineTokenDetailResp');
      const online = await presence.connections(ctx.tenant, userIDs);
      const results = [...new Set(userIDs)].flatMap((userID) => {
        const connections = online.get(userID) ?? [];
        if (connections.length === 0) return [];
        const singlePlatformToken = tokensByPlatform(connections);
        return make('user.OnlineTokenDetail', { userID, status: ONLINE, singlePlatformToken });
      });
      return make('user.GetUsersOnlineTokenDetailResp', { results });
    },
    async subscribeOrCancelUsersStatus() {
      return make('user.SubscribeOrCancelUsersStatusResp');
    },
    async getSubscribeUsersStatus() {
      return make('user.GetSubscribeUsersStatusResp');
    },
  };
}
