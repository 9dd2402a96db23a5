import type { TenantId } from '@im/contract';
import type { Document, UpdateFilter, WithId } from 'mongodb';
import { defineCollection, type TenantDocument } from '../collection.ts';
import { guarded } from '../errors.ts';
import { gatheredReads } from '../gathered-reads.ts';
import type { GroupCommitWriter } from '../group-commit.ts';
import type { Store } from '../store.ts';
import { byDatabase, guardedUpserts } from './bulk-writes.ts';
import { documentsOf } from './by-id.ts';
import {
  frozenAt,
  type MembershipMarks,
  type MembershipPlace,
  marksOf,
  notDecidedLater,
} from './membership-guard.ts';

/** What a user may read of a conversation, and has read; `_id` is tenant, user and conversation. */
export interface SeqUserDocument extends TenantDocument, MembershipMarks {
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

/** A bound that a change of membership sets. */
export interface MembershipBound extends SeqUserRef, MembershipPlace {
  /** Highest readable seq of a user who left; 0 for one who (re-)joined. */
  readonly max: number;
  /** Raises the lowest readable seq with it; absent leaves it. */
  readonly min?: number;
}

/** One user in several conversations. */
interface SeqUserQuery {
  readonly tenant: TenantId;
  readonly userID: string;
  readonly conversationIDs: readonly string[];
}

/** Documents of one answer of the database. */
const BATCH = 1_000;

/** The state of a user in a conversation that nothing was ever written about. */
export const NO_SEQ_USER: SeqUser = { min: 0, max: 0, read: 0 };

function stateOf({ min, max, read }: WithId<SeqUserDocument>): SeqUser {
  return { min, max, read };
}

/** Repository of users' bounds and read positions. Bounds and positions only rise, but for `max` at a re-join. */
export type SeqUsers = ReturnType<typeof seqUsers>;

/** Bounds and read positions of users in conversations. */
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
    writer?: GroupCommitWriter,
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

  const read = gatheredReads<SeqUserDocument, SeqUserQuery, Map<string, SeqUser>>(store, {
    name: 'seq-users',
    spec: SEQ_USERS,
    weightOf: ({ conversationIDs }) => conversationIDs.length,
    async read(queries) {
      const keys = queries.map(({ view, query }) =>
        query.conversationIDs.map((id) => view.key(query.userID, id)),
      );
      const found = await documentsOf(queries[0]?.view, keys);
      return queries.map(({ query }, i) => {
        const states = new Map<string, SeqUser>();
        for (const [at, conversationID] of query.conversationIDs.entries()) {
          const doc = found.get(keys[i]?.[at] ?? '');
          if (doc) states.set(conversationID, stateOf(doc));
        }
        return states;
      });
    },
  });

  return guarded({
    /** One user's state in these conversations; those without a document are left out. */
    async get(
      tenant: TenantId,
      userID: string,
      conversationIDs: readonly string[],
    ): Promise<Map<string, SeqUser>> {
      if (conversationIDs.length === 0) return new Map();
      return read({ tenant, userID, conversationIDs });
    },

    /** One user's state in every conversation that has one. */
    async ofUser(tenant: TenantId, userID: string): Promise<Map<string, SeqUser>> {
      const { col } = store.collection(tenant, SEQ_USERS);
      const docs = await col.find({ t: tenant, u: userID }, { batchSize: BATCH }).toArray();
      return new Map(docs.map((doc) => [doc.c, stateOf(doc)]));
    },

    /** Forgets a user's bounds and positions. @returns how many conversations. */
    async removeAll(tenant: TenantId, userID: string): Promise<number> {
      return (await store.collection(tenant, SEQ_USERS).col.deleteMany({ t: tenant, u: userID }))
        .deletedCount;
    },

    /**
     * Raises read positions; a lower one than before changes nothing.
     * @param writer does them with one commit where that goes.
     */
    raiseRead: (
      items: readonly (SeqUserRef & { readonly value: number })[],
      writer?: GroupCommitWriter,
    ): Promise<void> => raise('read', items, writer),

    /** Raises users' lowest readable seqs; a lower one than before changes nothing. */
    raiseMin: (items: readonly (SeqUserRef & { readonly value: number })[]) => raise('min', items),

    /**
     * Sets the bounds of users who left a group or (re-)joined it, as the record at `position` decided. What a later
     * record, or a later version of the member log, decided stands: a late writer does no harm.
     */
    async setMax(items: readonly MembershipBound[]): Promise<void> {
      await Promise.all(
        byDatabase(store, SEQ_USERS, items).map(({ col, items: group }) =>
          guardedUpserts(
            col,
            group.map(({ item, view }) => ({
              filter: { _id: view.key(item.userID, item.conversationID), ...notDecidedLater(item) },
              update: item.max === 0 ? joinUpdate(item) : leaveUpdate(item),
            })),
          ),
        ),
      );
    },
  });

  function joinUpdate(item: MembershipBound): UpdateFilter<SeqUserDocument> {
    const raised = item.min === undefined ? {} : { $max: { min: item.min } };
    const rest = item.min === undefined ? { min: 0, read: 0 } : { read: 0 };
    return { ...raised, $set: { max: 0, ...marksOf(item) }, $setOnInsert: inserted(item, rest) };
  }

  /** As a pipeline, since the bound depends on the one before; ids are literals, or a $ would be an expression. */
  function leaveUpdate(item: MembershipBound): Document[] {
    const { t, u, c } = inserted(item, {});
    const literal = { t: { $literal: t }, u: { $literal: u }, c: { $literal: c } };
    const kept = { min: { $ifNull: ['$min', 0] }, read: { $ifNull: ['$read', 0] } };
    return [{ $set: { ...literal, ...kept, max: frozenAt('max', item.max), ...marksOf(item) } }];
  }
}
