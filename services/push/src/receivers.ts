import type { TenantId } from '@im/contract';
import { systemContext } from '@im/kit';
import { make, type user } from '@im/protocol';
import type { RpcRegistry } from '@im/rpc';
import type { ConversationSettings, PushPreferenceRepo, UserRepo } from '@im/store';
import { createQuietHours } from './wake/quiet-hours.ts';

/** What the decision needs to know of users; everything in bulk. */
export interface Receivers {
  /** Current members of a group. */
  membersOf(tenant: TenantId, operationID: string, groupID: string): Promise<string[]>;
  /** Live connections of those of the users that have any. */
  connectionsOf(
    tenant: TenantId,
    operationID: string,
    userIDs: readonly string[],
  ): Promise<Map<string, user.PlatformOnlineDetail[]>>;
  /** The owners of this conversation that want no notice of it. */
  silencedIn(tenant: TenantId, conversationID: string): Promise<Set<string>>;
  /** Those of the users who want no notice of any conversation, or none at this time of the day. */
  undisturbed(tenant: TenantId, userIDs: readonly string[]): Promise<Set<string>>;
}

/** Receivers as the domains know them. */
export function domainReceivers(
  rpc: RpcRegistry,
  conversationSettings: ConversationSettings,
  profiles: Pick<UserRepo, 'getMany'>,
  preferences: Pick<PushPreferenceRepo, 'quietHoursOf'>,
): Receivers {
  const isQuiet = createQuietHours();
  const users = rpc.client('user');
  const groups = rpc.client('group');

  return {
    async silencedIn(tenant, conversationID) {
      return new Set(await conversationSettings.quietOwners(tenant, conversationID));
    },
    async undisturbed(tenant, userIDs) {
      const [known, quietHours] = await Promise.all([
        profiles.getMany(tenant, userIDs),
        preferences.quietHoursOf(tenant, userIDs),
      ]);
      const now = Date.now();
      return new Set(
        userIDs.filter((id) => {
          const quiet = quietHours.get(id);
          return known.get(id)?.globalRecvMsgOpt || (quiet && isQuiet(quiet, now));
        }),
      );
    },
    async membersOf(tenant, operationID, groupID) {
      const request = make('group.GetGroupMemberUserIDsReq', { groupID });
      return (await groups.getGroupMemberUserIDs(systemContext(tenant, operationID), request)).userIDs;
    },
    async connectionsOf(tenant, operationID, userIDs) {
      const request = make('user.GetUsersOnlineStatusReq', { userIDs: [...userIDs] });
      const { results } = await users.getUsersOnlineStatus(systemContext(tenant, operationID), request);
      return new Map(results.map((r) => [r.userID, r.detailPlatformStatus]));
    },
  };
}
