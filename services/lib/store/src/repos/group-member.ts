import type { TenantId } from '@im/contract';
import { KEY_SEPARATOR } from '@im/kit';
import { ROLE } from '@im/protocol';
import { defineCollection, type TenantDocument } from '../collection.ts';
import { guarded } from '../errors.ts';
import type { Store } from '../store.ts';
import { readsByUser } from './by-user.ts';
import { type MemberVersions, memberVersions } from './member-version.ts';
import type { Page } from './user.ts';
import { type VersionLogs, versionLogs } from './version-log.ts';

/** Membership of one user in one group. */
export interface GroupMember {
  readonly groupID: string;
  readonly userID: string;
  /** Name in this group; empty means that the profile's is shown. */
  readonly nickname: string;
  /** Face in this group; empty means that the profile's is shown. */
  readonly faceURL: string;
  /** 100 owner, 60 admin, 20 member. */
  readonly roleLevel: number;
  /** ms. */
  readonly joinTime: number;
  readonly joinSource: number;
  readonly inviterUserID: string;
  readonly operatorUserID: string;
  /** ms; 0 when the member was never muted. */
  readonly muteEndTime: number;
  readonly ex: string;
}

/** `_id` = tenant, group, user. */
export interface GroupMemberDocument extends TenantDocument, GroupMember {
  v: 1;
  /** The change that made the member, by which it finds its own work again. */
  change?: string;
  /** The transfer of ownership that gave the member this role, by which it finds its own work again. */
  transfer?: string;
  /** 100 - roleLevel: the owner comes first. */
  rank: number;
  /** Insertion order. */
  ord: number;
}

/** Collection of members; the group domain alone writes it. */
export const GROUP_MEMBERS = defineCollection<GroupMemberDocument>('group_member', [
  { keys: { groupID: 1, rank: 1, ord: 1 } },
  { keys: { userID: 1, ord: 1 } },
]);

/** Order of a group's lists: owner, admins, members, each in the order of joining. */
export const MEMBER_ORDER = { rank: 1, ord: 1 } as const;

/** `rank` of a role. */
export const rankOf = (roleLevel: number) => ROLE.Owner - roleLevel;

/** What is counted and looked up at read time. */
export interface GroupSummary {
  readonly memberCount: number;
  /** Empty for a group without members. */
  readonly ownerUserID: string;
}

/** A group of a user, and their role there. */
export interface JoinedGroup {
  readonly groupID: string;
  readonly roleLevel: number;
}

/** Copies of memberships in this process; their names are known to the writers. */
export function memberCaches(store: Store) {
  return {
    member: store.cached<GroupMember>({
      name: 'group-member',
      max: 200_000,
      ttlMs: 30_000,
      negativeTtlMs: 1_000,
    }),
    summary: store.cached<GroupSummary>({ name: 'group-summary', max: 50_000, ttlMs: 30_000 }),
    joined: store.cached<readonly string[]>({ name: 'joined-groups', max: 50_000, ttlMs: 30_000 }),
  };
}

/** Id of a member's copy. */
export const memberID = (groupID: string, userID: string) => groupID + KEY_SEPARATOR + userID;

/** A membership without what only storing needs. */
export function toMember({
  _id,
  t,
  v,
  rank,
  ord,
  change,
  transfer,
  ...member
}: GroupMemberDocument): GroupMember {
  return member;
}

/** Members of groups. Results may be shared copies: do not change them. */
export interface GroupMemberRepo {
  /** Versions of each group's members. */
  readonly versions: VersionLogs;
  /** Versions of each user's joined groups. */
  readonly joinVersions: VersionLogs;
  /** Versions that count changes of membership alone. */
  readonly memberVersions: MemberVersions;
  /** From the process's copy, for the checks on sending. */
  get(tenant: TenantId, groupID: string, userID: string): Promise<GroupMember | undefined>;
  /** Those of the named users that are members now. */
  find(tenant: TenantId, groupID: string, userIDs: readonly string[]): Promise<GroupMember[]>;
  /** Memberships by group and user, all groups in one go. */
  findPairs(tenant: TenantId, pairs: readonly { groupID: string; userID: string }[]): Promise<GroupMember[]>;
  list(tenant: TenantId, groupID: string, page: Page): Promise<{ total: number; members: GroupMember[] }>;
  /** All members, in order, without holding them at once. */
  all(tenant: TenantId, groupID: string): AsyncIterable<GroupMember>;
  /** Owner and admins. */
  leaders(tenant: TenantId, groupID: string): Promise<GroupMember[]>;
  /** All ids, in order. */
  userIDs(tenant: TenantId, groupID: string): Promise<string[]>;
  /** Number of members and owner of each group, from the process's copy when there is one. */
  summaries(tenant: TenantId, groupIDs: readonly string[]): Promise<Map<string, GroupSummary>>;
  /** Number of members now. */
  count(tenant: TenantId, groupID: string): Promise<number>;
  /** Ids of the user's groups in the order of joining, from the process's copy when there is one. */
  joinedGroupIDs(tenant: TenantId, userID: string): Promise<readonly string[]>;
  /** As {@link joinedGroupIDs}, without reading: undefined when the process has no copy. */
  knownGroupIDs(tenant: TenantId, userID: string): readonly string[] | undefined;
  /** The user's groups now, with their role, in the order of joining. */
  joined(tenant: TenantId, userID: string): Promise<JoinedGroup[]>;
  /** How many groups each of these users is in. */
  joinedCounts(tenant: TenantId, userIDs: readonly string[]): Promise<Map<string, number>>;
  /** Groups of the user whose member record leaves nickname or face to the profile. */
  profileGroupIDs(tenant: TenantId, userID: string): Promise<string[]>;
}

const BATCH = 1_000;
const LEADER_RANKS = [rankOf(ROLE.Owner), rankOf(ROLE.Admin)];

/** The members of a store's groups. */
export function groupMemberRepo(store: Store): GroupMemberRepo {
  const caches = memberCaches(store);
  const collectionOf = (tenant: TenantId) => store.collection(tenant, GROUP_MEMBERS);
  const ofUser = readsByUser(store, {
    name: 'joined-groups',
    spec: GROUP_MEMBERS,
    field: 'userID',
    projection: { _id: 0, userID: 1, groupID: 1, roleLevel: 1, ord: 1 },
  });

  async function findPairs(tenant: TenantId, pairs: readonly { groupID: string; userID: string }[]) {
    const members = collectionOf(tenant);
    const keys = pairs.map(({ groupID, userID }) => members.key(groupID, userID));
    return (await members.col.find({ _id: { $in: keys } }).toArray()).map(toMember);
  }
  const find = (tenant: TenantId, groupID: string, userIDs: readonly string[]) =>
    findPairs(
      tenant,
      userIDs.map((userID) => ({ groupID, userID })),
    );

  async function loadSummaries(
    tenant: TenantId,
    groupIDs: readonly string[],
  ): Promise<Map<string, GroupSummary>> {
    const { col } = collectionOf(tenant);
    const filter = { t: tenant, groupID: { $in: [...groupIDs] } };
    const [counts, owners] = await Promise.all([
      col
        .aggregate<{ _id: string; n: number }>([
          { $match: filter },
          { $group: { _id: '$groupID', n: { $sum: 1 } } },
        ])
        .toArray(),
      col
        .aggregate<Pick<GroupMember, 'groupID' | 'userID'>>([
          { $match: filter },
          { $match: { rank: rankOf(ROLE.Owner) } },
          { $project: { _id: 0, groupID: 1, userID: 1 } },
        ])
        .toArray(),
    ]);
    const ownerOf = new Map(owners.map(({ groupID, userID }) => [groupID, userID]));
    const countOf = new Map(counts.map(({ _id, n }) => [_id, n]));
    return new Map(
      groupIDs.map((id) => [id, { memberCount: countOf.get(id) ?? 0, ownerUserID: ownerOf.get(id) ?? '' }]),
    );
  }

  async function joined(tenant: TenantId, userID: string): Promise<JoinedGroup[]> {
    const docs = await ofUser({ tenant, userID });
    return docs.toSorted((a, b) => a.ord - b.ord).map(({ groupID, roleLevel }) => ({ groupID, roleLevel }));
  }

  return guarded<GroupMemberRepo>({
    versions: versionLogs(store, 'groupMember'),
    joinVersions: versionLogs(store, 'groupJoin'),
    memberVersions: memberVersions(store),
    get: (tenant, groupID, userID) =>
      caches.member.get(
        tenant,
        memberID(groupID, userID),
        async () => (await find(tenant, groupID, [userID]))[0],
      ),
    find,
    findPairs,
    async list(tenant, groupID, { skip, limit }) {
      const { col } = collectionOf(tenant);
      const filter = { t: tenant, groupID };
      const total = await col.countDocuments(filter);
      if (limit === 0 || skip >= total) return { total, members: [] };
      const docs = await col.find(filter, { sort: MEMBER_ORDER, skip, limit }).toArray();
      return { total, members: docs.map(toMember) };
    },
    all(tenant, groupID) {
      const cursor = collectionOf(tenant).col.find(
        { t: tenant, groupID },
        { sort: MEMBER_ORDER, batchSize: BATCH },
      );
      return cursor.map(toMember);
    },
    async leaders(tenant, groupID) {
      const docs = await collectionOf(tenant)
        .col.find({ t: tenant, groupID, rank: { $in: LEADER_RANKS } }, { sort: MEMBER_ORDER })
        .toArray();
      return docs.map(toMember);
    },
    async userIDs(tenant, groupID) {
      const docs = await collectionOf(tenant)
        .col.find({ t: tenant, groupID }, { sort: MEMBER_ORDER, projection: { _id: 0, userID: 1 } })
        .toArray();
      return docs.map(({ userID }) => userID);
    },
    summaries: (tenant, groupIDs) =>
      caches.summary.getMany(tenant, groupIDs, (missing) => loadSummaries(tenant, missing)),
    count: (tenant, groupID) => collectionOf(tenant).col.countDocuments({ t: tenant, groupID }),
    async joinedGroupIDs(tenant, userID) {
      const ids = await caches.joined.get(tenant, userID, async () =>
        (await joined(tenant, userID)).map(({ groupID }) => groupID),
      );
      return ids ?? [];
    },
    knownGroupIDs: (tenant, userID) => caches.joined.peek(tenant, userID).value,
    joined,
    async joinedCounts(tenant, userIDs) {
      const counts = await collectionOf(tenant)
        .col.aggregate<{ _id: string; n: number }>([
          { $match: { t: tenant, userID: { $in: [...userIDs] } } },
          { $group: { _id: '$userID', n: { $sum: 1 } } },
        ])
        .toArray();
      return new Map(counts.map(({ _id, n }) => [_id, n]));
    },
    async profileGroupIDs(tenant, userID) {
      const docs = await collectionOf(tenant)
        .col.find({ t: tenant, userID }, { projection: { _id: 0, groupID: 1, nickname: 1, faceURL: 1 } })
        .toArray();
      return docs
        .filter(({ nickname, faceURL }) => nickname === '' || faceURL === '')
        .map(({ groupID }) => groupID);
    },
  });
}
