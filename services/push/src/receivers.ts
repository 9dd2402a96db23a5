import { background, type TenantId } from '@im/kit';
import { make, type user } from '@im/protocol';
import type { RpcRegistry } from '@im/rpc';

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
  /** Those of the users that want no notice of this conversation. */
  silencedOf(tenant: TenantId, conversationID: string, userIDs: readonly string[]): Promise<Set<string>>;
}

/** Reads receive options of conversations: the conversation collection's part of {@link Receivers}. */
export type SilencedOf = Receivers['silencedOf'];

/** Receivers as the domains know them. */
export function domainReceivers(rpc: RpcRegistry, silencedOf: SilencedOf): Receivers {
  const users = rpc.client('user');
  const groups = rpc.client('group');

  return {
    silencedOf,
    async membersOf(tenant, operationID, groupID) {
      const request = make('group.GetGroupMemberUserIDsReq', { groupID });
      return (await groups.getGroupMemberUserIDs(background(tenant, operationID), request)).userIDs;
    },
    async connectionsOf(tenant, operationID, userIDs) {
      const request = make('user.GetUsersOnlineStatusReq', { userIDs: [...userIDs] });
      const { results } = await users.getUsersOnlineStatus(background(tenant, operationID), request);
      return new Map(results.map((r) => [r.userID, r.detailPlatformStatus]));
    },
  };
}
