import type { TenantId } from '@im/kit';
import type { WithId } from 'mongodb';
import { defineCollection, type TenantDocument } from '../collection.ts';
import { guarded } from '../errors.ts';
import type { Store } from '../store.ts';
import type { TogetherWriter } from '../write-together.ts';
import { byDatabase } from './by-database.ts';
import { guardedUpserts } from './guarded-upsert.ts';

/** What a user may read of a conversation, and has read; `_id` is tenant, user and conversation. */
export interface SeqUserDocument extends TenantDocument {
  /** User. */
  u: string;
  /** Conversation. */
  c: string;
  /** Lowest readable seq; 0: all. */
  min: number;
  /** Highest readable seq, of a user who left; 0: all. */
  max: number;
  /** Everything up to this seq was read. */
  read: number;
  /** Position in the log of the record that set `max` last. */
  mp?: number;
}

/** Collection `seq_user`. */
export const SEQ_USERS = defineCollection<SeqUserDocument>('seq_user', [{ keys: { u: 1 } }]);

/** Bounds and read position; all 0 where there is no document. */
export interface SeqUser {
  readonly min: number;
  readonly max: number;
  readonly read: number;
}

/** Of whom and of what. */
export interface SeqUserRef {
  readonly tenant: TenantId;
  readonly userID: string;
  readonly conversationID: string;
}

/** Most ids in one `$in`. */
const IDS_PER_QUERY = 1_000;

/** The state of a user in a conversation that nothing was ever written about. */
export const NO_SEQ_USER: SeqUser = { min: 0, max: 0, read: 0 };

function stateOf({ min, max, read }: WithId<SeqUserDocument>): SeqUser {
  return { min, max, read };
}

/** Repository of users' bounds and read positions. Bounds and positions only rise, but for `max` at a re-join. */
export type SeqUsers = ReturnType<typeof seqUsers>;

/** Makes the repository. */
export function seqUsers(store: Store) {
  const inserted = (ref: SeqUserRef, rest: Partial<SeqUser>) => ({
    t: ref.tenant,
    u: ref.userID,
    c: ref.conversationID,
    ...rest,
  });

  async function raise(
    field: 'min' | 'read',
    items: readonly (SeqUserRef & { readonly value: number })[],
    writer?: TogetherWriter,
  ): Promise<void> {
    await Promise.all(
      byDatabase(store, SEQ_USERS, items).map(({ col, items: group }) =>
        guardedUpserts(
          col,
          group.map(({ item, view }) => ({
            filter: { _id: view.key(item.userID, item.conversationID) },
            update: {
              $max: field === 'min' ? { min: item.value } : { read: item.value },
              $setOnInsert: inserted(item, field === 'min' ? { max: 0, read: 0 } : { min: 0, max: 0 }),
            },
          })),
          writer,
        ),
      ),
    );
  }

  return guarded({
    /** One user's state in these conversations; those without a document are left out. */
    async get(
      tenant: TenantId,
      userID: string,
      conversationIDs: readonly string[],
    ): Promise<Map<string, SeqUser>> {
      const { col, key } = store.collection(tenant, SEQ_USERS);
      const found = new Map<string, SeqUser>();
      for (let i = 0; i < conversationIDs.length; i += IDS_PER_QUERY) {
        const ids = conversationIDs.slice(i, i + IDS_PER_QUERY).map((id) => key(userID, id));
        const docs = await col.find({ _id: { $in: ids } }, { batchSize: IDS_PER_QUERY }).toArray();
        for (const doc of docs) found.set(doc.c, stateOf(doc));
      }
      return found;
    },

    /** One user's state in every conversation that has one. */
    async ofUser(tenant: TenantId, userID: string): Promise<Map<string, SeqUser>> {
      const { col } = store.collection(tenant, SEQ_USERS);
      const docs = await col.find({ t: tenant, u: userID }, { batchSize: IDS_PER_QUERY }).toArray();
      return new Map(docs.map((doc) => [doc.c, stateOf(doc)]));
    },

    /**
     * Raises read positions; a lower one than before changes nothing.
     * @param writer does them with one commit where that goes.
     */
    raiseRead: (
      items: readonly (SeqUserRef & { readonly value: number })[],
      writer?: TogetherWriter,
    ): Promise<void> => raise('read', items, writer),

    /** Raises users' lowest readable seqs; a lower one than before changes nothing. */
    raiseMin: (items: readonly (SeqUserRef & { readonly value: number })[]) => raise('min', items),

    /**
     * Sets the highest readable seq of users who left a group, or 0 for users who (re-)joined, as the
     * record at `position` decided. What a later record decided stands, so a late writer does no harm.
     */
    async setMax(
      items: readonly (SeqUserRef & { readonly max: number; readonly position: number })[],
    ): Promise<void> {
      await Promise.all(
        byDatabase(store, SEQ_USERS, items).map(({ col, items: group }) =>
          guardedUpserts(
            col,
            group.map(({ item, view }) => ({
              filter: {
                _id: view.key(item.userID, item.conversationID),
                mp: { $not: { $gte: item.position } },
              },
              update: {
                $set: { max: item.max, mp: item.position },
                $setOnInsert: inserted(item, { min: 0, read: 0 }),
              },
            })),
          ),
        ),
      );
    },
  });
}
