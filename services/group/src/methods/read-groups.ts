import { pageRange, requireAdmin, requireSelf } from '@im/kit';
import { argsError, make } from '@im/protocol';
import type { GroupMethods, GroupParts } from '../parts.ts';

type ReadGroupMethods = GroupMethods<
  'getGroupsInfo' | 'getGroups' | 'getJoinedGroupList' | 'groupCreateCount'
>;

/** Which groups there are. */
export function readGroupMethods({ groups, members, users, views, tenants }: GroupParts): ReadGroupMethods {
  return {
    async getGroupsInfo(ctx, { groupIDs }) {
      const found = await groups.getMany(ctx.tenant, groupIDs);
      const list = [...new Set(groupIDs)].flatMap((id) => found.get(id) ?? []);
      return make('group.GetGroupsInfoResp', { groupInfos: await views.groups(ctx.tenant, list) });
    },
    async getGroups(ctx, { pagination, groupName, groupID }) {
      if (groupID === '' && tenants.get(ctx.tenant)?.searchByAdminsOnly) requireAdmin(ctx);
      const range = pageRange(pagination);
      const one = groupID === '' ? undefined : await groups.find(ctx.tenant, groupID);
      const { total, groups: list } =
        groupID === ''
          ? await groups.search(ctx.tenant, groupName, range)
          : { total: one ? 1 : 0, groups: one && range.skip === 0 && range.limit > 0 ? [one] : [] };
      const infos = await views.groups(ctx.tenant, list);
      const owners = await users.getMany(
        ctx.tenant,
        infos.map(({ ownerUserID }) => ownerUserID),
      );
      return make('group.GetGroupsResp', {
        total,
        groups: infos.map((groupInfo) =>
          make('group.CMSGroup', {
            groupInfo,
            groupOwnerUserID: groupInfo.ownerUserID,
            groupOwnerUserName: owners.get(groupInfo.ownerUserID)?.nickname ?? '',
          }),
        ),
      });
    },
    async getJoinedGroupList(ctx, { fromUserID, pagination }) {
      requireSelf(ctx, fromUserID);
      const { skip, limit } = pageRange(pagination);
      const joined = await members.joined(ctx.tenant, fromUserID);
      const ids = joined.slice(skip, skip + limit).map(({ groupID }) => groupID);
      const found = await groups.getMany(ctx.tenant, ids);
      const list = ids.flatMap((id) => found.get(id) ?? []);
      return make('group.GetJoinedGroupListResp', {
        total: joined.length,
        groups: await views.groups(ctx.tenant, list),
      });
    },
    async groupCreateCount(ctx, { start, end }) {
      requireAdmin(ctx);
      if (start > end) throw argsError('start is later than end');
      const { total, before, days } = await groups.created(ctx.tenant, start, end);
      return make('group.GroupCreateCountResp', { total, before, count: days });
    },
  };
}
