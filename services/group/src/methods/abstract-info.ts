import type { TenantId } from '@im/contract';
import { createCache } from '@im/kit';
import { ERR, ImError, jsonListHash, make, toJson } from '@im/protocol';
import type { GroupMember } from '@im/store';
import type { GroupMethods, GroupParts } from '../parts.ts';
import { requireMember } from '../rules.ts';
import { memberInfo } from '../views.ts';

/** What a hash was made of, and the hash. */
interface MemberHash {
  readonly versionID: string;
  readonly version: number;
  readonly count: number;
  readonly hash: string;
}

const BATCH = 500;
const CACHE = { name: 'member-hash', max: 2_000, ttlMs: 600_000 };

/** Number and hash of members, by which old clients find out whether they know them all. */
export function abstractInfoMethods({
  groups,
  members,
  users,
}: GroupParts): GroupMethods<'getGroupAbstractInfo'> {
  /** Every change of a member, his profile included, is a new version: so a hash lives as long as its version. */
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
