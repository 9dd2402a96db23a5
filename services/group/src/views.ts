import type { TenantId } from '@im/contract';
import type { CallContext } from '@im/kit';
import { MANAGER_LEVEL, make, ROLE, type sdkws } from '@im/protocol';
import type { Group, GroupMember, GroupMemberRepo, GroupRequest, GroupSummary, UserRepo } from '@im/store';

/** A group as the API shows it. */
export function groupInfo(group: Group, summary: GroupSummary | undefined): sdkws.GroupInfo {
  return make('sdkws.GroupInfo', {
    ...group,
    memberCount: summary?.memberCount ?? 0,
    ownerUserID: summary?.ownerUserID ?? '',
  });
}

/** A member as the API shows them: empty fields come from the profile. */
export function memberInfo(
  member: GroupMember,
  profile: sdkws.UserInfo | undefined,
): sdkws.GroupMemberFullInfo {
  return make('sdkws.GroupMemberFullInfo', {
    ...member,
    nickname: member.nickname === '' ? (profile?.nickname ?? '') : member.nickname,
    faceURL: member.faceURL === '' ? (profile?.faceURL ?? '') : member.faceURL,
    appMangerLevel: profile?.appMangerLevel ?? 0,
  });
}

/** What others see of a user. */
export function publicUser(userID: string, profile: sdkws.UserInfo | undefined): sdkws.PublicUserInfo {
  const { nickname = '', faceURL = '', ex = '' } = profile ?? {};
  return make('sdkws.PublicUserInfo', { userID, nickname, faceURL, ex });
}

/** Stored groups, members and applications as the API shows them; related data is read in bulk. */
export interface Views {
  groups(tenant: TenantId, groups: readonly Group[]): Promise<sdkws.GroupInfo[]>;
  group(tenant: TenantId, group: Group): Promise<sdkws.GroupInfo>;
  members(tenant: TenantId, members: readonly GroupMember[]): Promise<sdkws.GroupMemberFullInfo[]>;
  member(tenant: TenantId, member: GroupMember): Promise<sdkws.GroupMemberFullInfo>;
  /** The caller as a member, or as an administrator from outside the group. */
  operator(ctx: CallContext, groupID: string): Promise<sdkws.GroupMemberFullInfo>;
  /** Applications, each with its group if `groups` has it. */
  requests(
    tenant: TenantId,
    requests: readonly GroupRequest[],
    groups: ReadonlyMap<string, Group>,
  ): Promise<sdkws.GroupRequest[]>;
}

/** Views over the store's repositories. */
export function createViews({ members, users }: { members: GroupMemberRepo; users: UserRepo }): Views {
  async function viewGroups(tenant: TenantId, list: readonly Group[]): Promise<sdkws.GroupInfo[]> {
    const summaries = await members.summaries(
      tenant,
      list.map(({ groupID }) => groupID),
    );
    return list.map((group) => groupInfo(group, summaries.get(group.groupID)));
  }
  async function viewMembers(tenant: TenantId, list: readonly GroupMember[]) {
    const profiles = await users.getMany(
      tenant,
      list.map(({ userID }) => userID),
    );
    return list.map((member) => memberInfo(member, profiles.get(member.userID)));
  }
  async function outsider(ctx: CallContext, groupID: string): Promise<sdkws.GroupMemberFullInfo> {
    const profile = ctx.opUserID === '' ? undefined : await users.get(ctx.tenant, ctx.opUserID);
    return make('sdkws.GroupMemberFullInfo', {
      groupID,
      userID: ctx.opUserID,
      roleLevel: ROLE.Admin,
      appMangerLevel: MANAGER_LEVEL.AppAdmin,
      nickname: profile?.nickname ?? '',
      faceURL: profile?.faceURL ?? '',
    });
  }
  async function viewMember(tenant: TenantId, member: GroupMember): Promise<sdkws.GroupMemberFullInfo> {
    return memberInfo(member, await users.get(tenant, member.userID));
  }

  return {
    groups: viewGroups,
    async group(tenant, group) {
      const summaries = await members.summaries(tenant, [group.groupID]);
      return groupInfo(group, summaries.get(group.groupID));
    },
    members: viewMembers,
    member: viewMember,
    async operator(ctx, groupID) {
      const [member] = ctx.opUserID === '' ? [] : await members.find(ctx.tenant, groupID, [ctx.opUserID]);
      return member ? viewMember(ctx.tenant, member) : outsider(ctx, groupID);
    },
    async requests(tenant, list, groups) {
      const shown = await viewGroups(
        tenant,
        [...new Set(list.map(({ groupID }) => groupID))].flatMap((id) => groups.get(id) ?? []),
      );
      const infos = new Map(shown.map((info) => [info.groupID, info]));
      const profiles = await users.getMany(
        tenant,
        list.map(({ userID }) => userID),
      );
      return list.map(({ groupID, userID, handledMsg, handledTime, ...request }) =>
        make('sdkws.GroupRequest', {
          ...request,
          userInfo: publicUser(userID, profiles.get(userID)),
          groupInfo: infos.get(groupID) ?? null,
          handleMsg: handledMsg,
          handleTime: handledTime,
        }),
      );
    },
  };
}
