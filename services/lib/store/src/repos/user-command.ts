import type { TenantId } from '@im/contract';
import { make, type user } from '@im/protocol';
import { defineCollection, type TenantDocument } from '../collection.ts';
import { guarded, retryDuplicate } from '../errors.ts';
import type { Store } from '../store.ts';
import { wholeList } from '../whole-list.ts';

/** Something a user keeps on the server, such as a saved message. `_id` = tenant, user, type, uuid. */
interface UserCommandDocument extends TenantDocument {
  v: 1;
  userID: string;
  type: number;
  uuid: string;
  value: string;
  ex: string;
  /** Seconds, as the API has it. */
  createTime: number;
}

/** Collection of user commands; the user domain alone writes it. */
export const USER_COMMANDS = defineCollection<UserCommandDocument>('user_command', [
  { keys: { userID: 1, type: 1, uuid: 1 } },
]);

/** Names one command. */
export interface CommandKey {
  readonly userID: string;
  readonly type: number;
  readonly uuid: string;
}

/** Commands of users. */
export interface UserCommandRepo {
  /**
   * Adds it; the same key again replaces value and ex.
   * @param most commands of a user; calls at the same moment may together exceed it a little.
   * @returns false, and adds nothing, when the user has that many and this one is not among them.
   */
  add(
    tenant: TenantId,
    key: CommandKey,
    content: { value: string; ex: string },
    most: number,
  ): Promise<boolean>;
  /** Changes what is given. @returns false when there is no such command. */
  update(tenant: TenantId, key: CommandKey, changes: { value?: string; ex?: string }): Promise<boolean>;
  /** @returns false when there is no such command. */
  remove(tenant: TenantId, key: CommandKey): Promise<boolean>;
  /** Removes all of a user. @returns how many. */
  removeAll(tenant: TenantId, userID: string): Promise<number>;
  /** Those of one type, or of all types without one; by type and uuid. At most 10,000. @throws ImError 1001 for too much. */
  list(tenant: TenantId, userID: string, type?: number): Promise<user.CommandInfoResp[]>;
}

const MAX_LISTED = 10_000;

/** The user commands of a store. */
export function userCommandRepo(store: Store): UserCommandRepo {
  const collectionOf = (tenant: TenantId) => store.collection(tenant, USER_COMMANDS);
  const idOf = (tenant: TenantId, { userID, type, uuid }: CommandKey) =>
    collectionOf(tenant).key(userID, String(type), uuid);

  return guarded<UserCommandRepo>({
    async add(tenant, key, { value, ex }, most) {
      const { userID, type, uuid } = key;
      const { col } = collectionOf(tenant);
      const { matchedCount } = await col.updateOne({ _id: idOf(tenant, key) }, { $set: { value, ex } });
      if (matchedCount === 1) return true;
      if ((await col.countDocuments({ t: tenant, userID }, { limit: most })) >= most) return false;
      await retryDuplicate(() =>
        col.updateOne(
          { _id: idOf(tenant, key) },
          {
            $set: { value, ex },
            $setOnInsert: { t: tenant, v: 1, userID, type, uuid, createTime: Math.floor(Date.now() / 1000) },
          },
          { upsert: true },
        ),
      );
      return true;
    },
    async update(tenant, key, changes) {
      const filter = { _id: idOf(tenant, key) };
      if (changes.value === undefined && changes.ex === undefined) {
        return (await collectionOf(tenant).col.countDocuments(filter, { limit: 1 })) === 1;
      }
      const { matchedCount } = await collectionOf(tenant).col.updateOne(filter, { $set: { ...changes } });
      return matchedCount === 1;
    },
    async remove(tenant, key) {
      const { deletedCount } = await collectionOf(tenant).col.deleteOne({ _id: idOf(tenant, key) });
      return deletedCount === 1;
    },
    async removeAll(tenant, userID) {
      return (await collectionOf(tenant).col.deleteMany({ t: tenant, userID })).deletedCount;
    },
    async list(tenant, userID, type) {
      const filter = { t: tenant, userID, ...(type !== undefined && { type }) };
      const found = collectionOf(tenant).col.find(filter, { sort: { type: 1, uuid: 1 }, limit: MAX_LISTED });
      const docs = await wholeList(
        found,
        ({ value, ex }) => value.length + ex.length,
        type === undefined ? 'ask type by type' : 'delete some commands of this type',
      );
      return docs.map((doc) =>
        make('user.CommandInfoResp', {
          type: doc.type,
          createTime: doc.createTime,
          uuid: doc.uuid,
          value: doc.value,
          ex: doc.ex,
        }),
      );
    },
  });
}
