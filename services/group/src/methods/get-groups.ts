import type { TenantId } from '@im/contract';
import { createCache, pageRange, requireAdmin, requireSelf } from '@im/kit';
import { argsError, ERR, ImError, jsonListHash, make, toJson } from '@im/protocol';
import type { GroupMember } from '@im/store';
import type { GroupDeps, GroupMethods } from '../deps.ts';
import { requireMember } from '../permissions.ts';
import { memberInfo } from '../views.ts';

type GetGroupsMethods = GroupMethods<
  'getGroupsInfo' | 'getGroups' | 'getJoinedGroupList' | 'groupCreateCount' | 'getGroupAbstractInfo'
>;

/** What a hash was made of, and the hash. */
interface MemberHash {
  readonly versionID: string;
  readonly version: number;
  readonly count: number;
  readonly hash: string;
}

const BATCH = 500;
const CACHE = { name: 'member-hash', max: 2_000, ttlMs: 600_000 };

/** Groups by id, by name, by member, and what clients compare them by. */
export function getGroupsMethods(deps: GroupDeps): GetGroupsMethods {
  const { groups, members, users, views, tenants } = deps;

  /** Every change of a member, their profile included, is a new version: so a hash lives as long as its version. */
  const hashes = createCache<MemberHash>(CACHE);

  async function hashOf(tenant: TenantId, groupID: string): Promise<MemberHash> {
    const key = JSON.stringify([tenant, groupID]);
    const stamp = await members.versions.stamp(tenant, groupID);
    const known = hashes.peek(key).value;
    if (known && known.versionID === stamp.versionID && known.version === stamp.version) return known;
    const list: GroupMember[] = [];
    for await (const member of members.all(tenant, groupID)) list.push(member);
    list.sort((a, b) => Buffer.compare(Buffer.from(a.userID), Buffer.from(b.userID)));
    const texts: string[] = [];
    for (let begin = 0; begin < list.length; begin += BATCH) {
      const batch = list.slice(begin, begin + BATCH);
      const profiles = await users.getMany(
        tenant,
        batch.map(({ userID }) => userID),
      );
      for (const member of batch) {
        const info = memberInfo(member, profiles.get(member.userID));
        info.appMangerLevel = 0;
        texts.push(toJson('sdkws.GroupMemberFullInfo', info));
      }
    }
    const fresh = { ...stamp, count: list.length, hash: jsonListHash(texts) };
    hashes.set(key, fresh);
    return fresh;
  }

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
    async getGroupAbstractInfo(ctx, { groupIDs }) {
      const found = await groups.getMany(ctx.tenant, groupIDs);
      const missing = groupIDs.filter((id) => !found.has(id));
      if (missing.length > 0) {
        throw new ImError(ERR.GroupIDNotFoundError, `groupIDs=${missing.slice(0, 10).join(',')}`);
      }
      const own = await members.findPairs(
        ctx.tenant,
        groupIDs.map((groupID) => ({ groupID, userID: ctx.opUserID })),
      );
      const joined = new Map(own.map((member) => [member.groupID, member]));
      const infos = [];
      for (const groupID of groupIDs) {
        requireMember({ userID: ctx.opUserID, admin: ctx.opAdmin, member: joined.get(groupID) });
        const { count, hash } = await hashOf(ctx.tenant, groupID);
        infos.push(
          make('group.GroupAbstractInfo', {
            groupID,
            groupMemberNumber: count,
            groupMemberListHash: hash,
          }),
        );
      }
      return make('group.GetGroupAbstractInfoResp', { groupAbstractInfos: infos });
    },
  };
}
