import type { TenantId } from '@im/contract';
import { GROUP_STATUS } from '@im/protocol';
import type { Filter } from 'mongodb';
import { defineCollection, type TenantDocument } from '../collection.ts';
import { guarded } from '../errors.ts';
import { insertNew } from '../optimistic-writes.ts';
import type { Store } from '../store.ts';
import type { CreatedCounts } from './count-by-day.ts';
import { CREATED_GROUPS, createdIn } from './created-days.ts';
import { contains, searchKey } from './list-keys.ts';
import type { Page } from './user.ts';

/** A group as it is stored; its owner and the number of its members belong to the members. */
export interface Group {
  readonly groupID: string;
  readonly groupName: string;
  readonly notification: string;
  readonly introduction: string;
  readonly faceURL: string;
  readonly ex: string;
  /** 0 ok, 1 banned, 2 dismissed, 3 muted. */
  readonly status: number;
  readonly creatorUserID: string;
  /** 2, the only kind that can be made. */
  readonly groupType: number;
  /** 0 applications need approval, 1 invitations by plain members too, 2 no application needs it. */
  readonly needVerification: number;
  readonly lookMemberInfo: number;
  readonly applyMemberFriend: number;
  /** ms. */
  readonly createTime: number;
  /** ms; 0 before the first announcement. */
  readonly notificationUpdateTime: number;
  readonly notificationUserID: string;
}

/** `_id` = tenant, group. */
interface GroupDocument extends TenantDocument, Group {
  v: 1;
  /** Search key of the name. */
  nameKey: string;
}

/** Collection of groups; the group domain alone writes it. */
export const GROUPS = defineCollection<GroupDocument>('group', [{ keys: { createTime: -1 } }]);

/** Changes of a group; what is absent stays. */
export type GroupChanges = Partial<Omit<Group, 'groupID' | 'createTime' | 'creatorUserID' | 'groupType'>>;

/** Groups. Results are shared copies: do not change them. */
export interface GroupRepo {
  /** From the process's copy when there is one; dismissed groups too. */
  get(tenant: TenantId, groupID: string): Promise<Group | undefined>;
  /** As {@link get} for many; unknown ones are left out. */
  getMany(tenant: TenantId, groupIDs: readonly string[]): Promise<Map<string, Group>>;
  /** The group as it is now, for deciding on a change. */
  find(tenant: TenantId, groupID: string): Promise<Group | undefined>;
  /** @returns false when the id is taken. */
  insert(tenant: TenantId, group: Group): Promise<boolean>;
  /** @returns the group afterwards; undefined when it is missing or dismissed. */
  update(tenant: TenantId, groupID: string, changes: GroupChanges): Promise<Group | undefined>;
  /** Not dismissed ones whose name contains `name`, whatever the case; newest first. */
  search(tenant: TenantId, name: string, page: Page): Promise<{ total: number; groups: Group[] }>;
  /** All groups, dismissed ones too. */
  /** Groups made by UTC day in [start, end), times in ms; up to a minute old. */
  created(tenant: TenantId, start: number, end: number): Promise<CreatedCounts>;
}

/** What statistics ask again and again. */
const COUNTS = { name: 'group-counts', max: 200, ttlMs: 60_000 };
const CACHE = { name: 'group', max: 50_000, ttlMs: 30_000, negativeTtlMs: 2_000 };
/** A search that finds little reads the tenant's whole index; it ends here. */
const SEARCH_MS = 5_000;

function toGroup({ _id, t, v, nameKey, ...group }: GroupDocument): Group {
  return group;
}

/** The groups of a store. */
export function groupRepo(store: Store): GroupRepo {
  const counts = store.cached<CreatedCounts>(COUNTS);
  const cache = store.cached<Group>(CACHE);
  const collectionOf = (tenant: TenantId) => store.collection(tenant, GROUPS);

  async function load(tenant: TenantId, groupIDs: readonly string[]): Promise<Map<string, Group>> {
    const groups = collectionOf(tenant);
    const docs = await groups.col.find({ _id: { $in: groupIDs.map((id) => groups.key(id)) } }).toArray();
    return new Map(docs.map((doc) => [doc.groupID, toGroup(doc)]));
  }
  const find = async (tenant: TenantId, groupID: string) => (await load(tenant, [groupID])).get(groupID);

  return guarded<GroupRepo>({
    get: (tenant, groupID) => cache.get(tenant, groupID, () => find(tenant, groupID)),
    getMany: (tenant, groupIDs) => cache.getMany(tenant, groupIDs, (missing) => load(tenant, missing)),
    find,
    async insert(tenant, group) {
      const groups = collectionOf(tenant);
      const nameKey = searchKey(group.groupName);
      const _id = groups.key(group.groupID);
      if (!(await insertNew(groups.col, { _id, t: tenant, v: 1, ...group, nameKey }))) return false;
      await cache.invalidate(tenant, [group.groupID]);
      return true;
    },
    async update(tenant, groupID, changes) {
      const groups = collectionOf(tenant);
      const set: Partial<GroupDocument> = { ...changes };
      if (changes.groupName !== undefined) set.nameKey = searchKey(changes.groupName);
      const _id = groups.key(groupID);
      const { matchedCount } = await groups.col.updateOne(
        { _id, status: { $ne: GROUP_STATUS.Dismissed } },
        { $set: set },
      );
      await cache.invalidate(tenant, [groupID]);
      const doc = matchedCount === 1 ? await groups.col.findOne({ _id }) : null;
      return doc ? toGroup(doc) : undefined;
    },
    search(tenant, name, { skip, limit }) {
      const filter: Filter<GroupDocument> = { t: tenant, status: { $ne: GROUP_STATUS.Dismissed } };
      if (name !== '') filter.nameKey = contains(name);
      return store.search(tenant, GROUPS, async ({ col }) => {
        const total = await col.countDocuments(filter, { maxTimeMS: SEARCH_MS });
        if (limit === 0 || skip >= total) return { total, groups: [] };
        const docs = await col
          .find(filter, { sort: { createTime: -1 }, skip, limit, maxTimeMS: SEARCH_MS })
          .toArray();
        return { total, groups: docs.map(toGroup) };
      });
    },
    async created(tenant, start, end) {
      const load = () =>
        createdIn(store, tenant, { spec: GROUPS, kind: CREATED_GROUPS }, { start, end }, SEARCH_MS);
      return (await counts.get(tenant, `${start} ${end}`, load)) ?? load();
    },
  });
}
