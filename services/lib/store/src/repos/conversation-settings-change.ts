import type { TenantId } from '@im/contract';
import type { AnyBulkWriteOperation, Collection, Filter } from 'mongodb';
import type { TenantCollection } from '../collection.ts';
import { guarded } from '../errors.ts';
import type { Store } from '../store.ts';
import { bulkUpsert } from './bulk-writes.ts';
import { IDS_PER_QUERY } from './by-id.ts';
import {
  CONVERSATION_SETTINGS,
  type ConversationDocument,
  recordID,
  recvOptCache,
} from './conversation-settings.ts';
import { insertionOrder } from './list-keys.ts';
import {
  frozenAt,
  type MembershipMarks,
  type MembershipPlace,
  marksOf,
  notDecidedLater,
} from './membership-guard.ts';
import { deleted, inserted, type LogWrite, updated, versionLogs } from './version-log.ts';

/** Names a record and says what kind of conversation it is. */
export interface ConversationKey {
  readonly ownerUserID: string;
  readonly conversationID: string;
  readonly conversationType: number;
  /** Peer of single chats and notification chats, else empty. */
  readonly userID: string;
  /** Group of group chats, else empty. */
  readonly groupID: string;
  /** Settings that a new record begins with. @default those of every record */
  readonly initial?: InitialSettings;
}

/** Settings that a record may begin with. */
export type InitialSettings = Pick<
  ConversationDocument,
  'recvMsgOpt' | 'isPinned' | 'isPrivateChat' | 'burnDuration' | 'groupAtType' | 'attachedInfo' | 'ex'
>;

/** Settings of a record; what is absent stays. */
export type ConversationChanges = Partial<
  Pick<
    ConversationDocument,
    | 'recvMsgOpt'
    | 'isPinned'
    | 'attachedInfo'
    | 'isPrivateChat'
    | 'groupAtType'
    | 'ex'
    | 'burnDuration'
    | 'msgDestructTime'
    | 'isMsgDestruct'
  >
>;

/** New lower bound of one record. */
export interface MinSeqChange {
  readonly conversationID: string;
  readonly minSeq: number;
  /** ms; absent leaves it. */
  readonly latestMsgDestructTime?: number;
}

/**
 * Writes to conversation records. Each also writes the owners' version logs, after the change itself. All can be
 * repeated: a replay of the message log changes nothing but versions.
 */
export interface ConversationSettingsChanges {
  /** Makes the records that are missing, with default settings: for the first message of a conversation. */
  createForOwners(tenant: TenantId, keys: readonly ConversationKey[]): Promise<void>;
  /**
   * For users who enter a group as the record at `place` decided: makes the records that are missing; those that
   * exist show new messages again (maxSeq 0), unless a later decision stands.
   */
  openForMembers(tenant: TenantId, keys: readonly ConversationKey[], place: MembershipPlace): Promise<void>;
  /** Ends what these users see of a conversation at `maxSeq`, unless a later decision stands. */
  freezeForUsers(
    tenant: TenantId,
    conversationID: string,
    userIDs: readonly string[],
    maxSeq: number,
    place: MembershipPlace,
  ): Promise<void>;
  /** Applies settings, making records that are missing. @returns owners of records that were made or changed. */
  apply(tenant: TenantId, keys: readonly ConversationKey[], changes: ConversationChanges): Promise<string[]>;
  /**
   * Sets the mention mark in existing records of a conversation, of the named owners or of all but some. Users
   * who left the group keep their record as it is.
   * @returns owners of records that changed.
   */
  setGroupAtType(
    tenant: TenantId,
    conversationID: string,
    groupAtType: number,
    owners: { only: readonly string[] } | { except: readonly string[] },
  ): Promise<string[]>;
  /** Raises lower bounds of one owner's records. @returns ids of those that exist. */
  setMinSeqs(tenant: TenantId, ownerUserID: string, changes: readonly MinSeqChange[]): Promise<string[]>;
  /**
   * Sets `ex` in all records whose peer is `userID`, in batches, each with its version logs: what stops
   * half-way has changed whole batches, and goes on when it is repeated.
   */
  setExByPeer(tenant: TenantId, userID: string, ex: string): Promise<void>;
  /**
   * Removes records, and has the owner's clients forget all of `conversationIDs`; unknown ones are no error.
   * @param existing those whose records go: a record that is made meanwhile stays.
   * @default existing all of them
   */
  remove(
    tenant: TenantId,
    ownerUserID: string,
    conversationIDs: readonly string[],
    existing?: readonly string[],
  ): Promise<void>;
}

type RecordName = Pick<ConversationDocument, '_id' | 'ownerUserID' | 'conversationID'>;

type Settings = Omit<
  ConversationDocument,
  '_id' | 't' | keyof ConversationKey | 'ord' | keyof MembershipMarks
>;

/** Records of one peer that are changed and noted before more are read. */
const RECORDS_AT_ONCE = 500;

const DEFAULTS: Settings = {
  v: 1,
  recvMsgOpt: 0,
  isPinned: false,
  attachedInfo: '',
  isPrivateChat: false,
  groupAtType: 0,
  ex: '',
  burnDuration: 0,
  minSeq: 0,
  maxSeq: 0,
  msgDestructTime: 0,
  latestMsgDestructTime: 0,
  isMsgDestruct: false,
};

/** The fields alone, whatever else the object has. */
function initialOf(initial: InitialSettings): InitialSettings {
  const { recvMsgOpt, isPinned, isPrivateChat, burnDuration, groupAtType, attachedInfo, ex } = initial;
  return { recvMsgOpt, isPinned, isPrivateChat, burnDuration, groupAtType, attachedInfo, ex };
}

/** An upsert that sets `set`, and in a new record everything else to its default. */
function upsert(
  records: TenantCollection<ConversationDocument>,
  { ownerUserID, conversationID, conversationType, userID, groupID, initial }: ConversationKey,
  place: number,
  set: Partial<Settings>,
  marks: MembershipMarks,
): AnyBulkWriteOperation<ConversationDocument> {
  const begin = initial ? { ...DEFAULTS, ...initialOf(initial) } : DEFAULTS;
  const rest = Object.fromEntries(Object.entries(begin).filter(([field]) => !(field in set)));
  return {
    updateOne: {
      filter: { _id: records.key(ownerUserID, conversationID) },
      update: {
        ...(Object.keys(set).length === 0 ? {} : { $set: set }),
        $setOnInsert: {
          t: records.tenant,
          ownerUserID,
          conversationID,
          conversationType,
          userID,
          groupID,
          ord: insertionOrder(Date.now(), place),
          ...rest,
          ...marks,
        },
      },
      upsert: true,
    },
  };
}

/** Records of a group that one command marks: those of a large one in one would hold up what others ask the database. */
const MARKED_AT_ONCE = 25;

/** Sets fields of these records, where they still match. */
async function updateEach(
  col: Collection<ConversationDocument>,
  docs: readonly { readonly _id: string }[],
  filter: Filter<ConversationDocument>,
  set: Partial<Settings>,
): Promise<void> {
  for (let begin = 0; begin < docs.length; begin += IDS_PER_QUERY) {
    const ids = docs.slice(begin, begin + IDS_PER_QUERY).map(({ _id }) => _id);
    await col.updateMany({ _id: { $in: ids }, ...filter }, { $set: set });
  }
}

/** The writes to a store's conversation records. */
export function conversationSettingsChanges(store: Store): ConversationSettingsChanges {
  const versions = versionLogs(store, 'conversation');
  const recvOpts = recvOptCache(store);
  const collectionOf = (tenant: TenantId) => store.collection(tenant, CONVERSATION_SETTINGS);

  async function upsertAll(
    tenant: TenantId,
    keys: readonly ConversationKey[],
    set: Partial<Settings>,
    marks: MembershipMarks = {},
  ): Promise<void> {
    const records = collectionOf(tenant);
    const { insertedAt } = await bulkUpsert(
      records.col,
      keys.map((key, i) => upsert(records, key, i, set, marks)),
    );
    const byOwner = Map.groupBy(keys.entries(), ([, key]) => key.ownerUserID);
    const writes = [...byOwner].map(([owner, list]): LogWrite => {
      const isNew = Map.groupBy(list, ([i]) => insertedAt.has(i));
      const ids = (made: boolean) => (isNew.get(made) ?? []).map(([, { conversationID }]) => conversationID);
      const changes = [inserted(...ids(true)), updated(...ids(false))];
      return { owner, changes: changes.filter((change) => change.ids.length > 0) };
    });
    await versions.writeMany(tenant, writes);
  }

  async function noteUpdated(tenant: TenantId, docs: readonly RecordName[]): Promise<void> {
    await versions.writeMany(
      tenant,
      docs.map(({ ownerUserID, conversationID }) => ({
        owner: ownerUserID,
        changes: [updated(conversationID)],
      })),
    );
  }

  /** Sets fields of these records, where they still match, and notes that they changed. */
  async function setAndNote(
    tenant: TenantId,
    docs: readonly RecordName[],
    filter: Filter<ConversationDocument>,
    set: Partial<Settings>,
  ): Promise<void> {
    await updateEach(collectionOf(tenant).col, docs, filter, set);
    await noteUpdated(tenant, docs);
  }

  return guarded<ConversationSettingsChanges>({
    async createForOwners(tenant, keys) {
      if (keys.length > 0) await upsertAll(tenant, keys, {});
    },
    async openForMembers(tenant, keys, place) {
      if (keys.length === 0) return;
      const records = collectionOf(tenant);
      // Before the upserts, which note all of them in the version logs.
      await records.col.bulkWrite(
        keys.map(({ ownerUserID, conversationID }) => ({
          updateOne: {
            filter: { _id: records.key(ownerUserID, conversationID), ...notDecidedLater(place) },
            update: { $set: { maxSeq: 0, ...marksOf(place) } },
          },
        })),
        { ordered: false },
      );
      await upsertAll(tenant, keys, {}, marksOf(place));
    },
    async freezeForUsers(tenant, conversationID, userIDs, maxSeq, place) {
      if (userIDs.length === 0) return;
      const records = collectionOf(tenant);
      const ids = userIDs.map((id) => records.key(id, conversationID));
      const projection = { ownerUserID: 1, conversationID: 1 };
      const existing = await records.col.find({ _id: { $in: ids } }, { projection }).toArray();
      await records.col.updateMany({ _id: { $in: ids }, ...notDecidedLater(place) }, [
        { $set: { maxSeq: frozenAt('maxSeq', maxSeq), ...marksOf(place) } },
      ]);
      await noteUpdated(tenant, existing);
    },
    async apply(tenant, keys, changes) {
      const records = collectionOf(tenant);
      const ids = keys.map(({ ownerUserID, conversationID }) => records.key(ownerUserID, conversationID));
      const docs = await records.col.find({ _id: { $in: ids } }).toArray();
      const existing = new Map(docs.map((doc) => [doc._id, doc]));
      const wanted = Object.entries(changes) as [keyof ConversationChanges, unknown][];
      const changed = keys.filter((_, i) => {
        const doc = existing.get(ids[i] ?? '');
        return doc === undefined || wanted.some(([field, value]) => doc[field] !== value);
      });
      if (changed.length === 0) return [];
      await upsertAll(tenant, changed, changes);
      await recvOpts.invalidate(
        tenant,
        changed.map(({ ownerUserID, conversationID }) => recordID(ownerUserID, conversationID)),
      );
      return changed.map(({ ownerUserID }) => ownerUserID);
    },
    async setGroupAtType(tenant, conversationID, groupAtType, owners) {
      const records = collectionOf(tenant);
      const filter: Filter<ConversationDocument> =
        'only' in owners
          ? { _id: { $in: owners.only.map((id) => records.key(id, conversationID)) } }
          : { t: tenant, conversationID };
      const projection = { ownerUserID: 1, conversationID: 1, groupAtType: 1, maxSeq: 1 };
      const left = new Set('except' in owners ? owners.except : []);
      const docs = (await records.col.find(filter, { projection }).toArray()).filter(
        (doc) => doc.groupAtType !== groupAtType && doc.maxSeq === 0 && !left.has(doc.ownerUserID),
      );
      const stillUnlike = { groupAtType: { $ne: groupAtType }, maxSeq: 0 };
      for (let begin = 0; begin < docs.length; begin += MARKED_AT_ONCE) {
        const some = docs.slice(begin, begin + MARKED_AT_ONCE);
        await setAndNote(tenant, some, stillUnlike, { groupAtType });
      }
      return docs.map(({ ownerUserID }) => ownerUserID);
    },
    async setMinSeqs(tenant, ownerUserID, changes) {
      const records = collectionOf(tenant);
      const keys = changes.map(({ conversationID }) => records.key(ownerUserID, conversationID));
      const docs = await records.col
        .find({ _id: { $in: keys } }, { projection: { conversationID: 1 } })
        .toArray();
      if (docs.length === 0) return [];
      await records.col.bulkWrite(
        changes.map(({ conversationID, minSeq, latestMsgDestructTime }) => ({
          updateOne: {
            filter: { _id: records.key(ownerUserID, conversationID) },
            update: {
              $max: { minSeq },
              ...(latestMsgDestructTime === undefined ? {} : { $set: { latestMsgDestructTime } }),
            },
          },
        })),
        { ordered: false },
      );
      const ids = docs.map(({ conversationID }) => conversationID);
      await versions.write(tenant, ownerUserID, updated(...ids));
      return ids;
    },
    async setExByPeer(tenant, userID, ex) {
      const { col } = collectionOf(tenant);
      const change = (docs: readonly RecordName[]) => setAndNote(tenant, docs, { ex: { $ne: ex } }, { ex });
      // Without their `ex`, and a few at a time: a user may have as many peers as there are users.
      const stages = [
        { $match: { t: tenant, userID } },
        { $match: { ex: { $ne: ex } } },
        { $project: { ownerUserID: 1, conversationID: 1 } },
      ];
      let docs: RecordName[] = [];
      for await (const doc of col.aggregate<RecordName>(stages, { batchSize: RECORDS_AT_ONCE })) {
        docs.push(doc);
        if (docs.length < RECORDS_AT_ONCE) continue;
        await change(docs);
        docs = [];
      }
      if (docs.length > 0) await change(docs);
    },
    async remove(tenant, ownerUserID, conversationIDs, existing = conversationIDs) {
      const records = collectionOf(tenant);
      if (conversationIDs.length === 0) return;
      const keys = existing.map((id) => records.key(ownerUserID, id));
      if (keys.length > 0) await records.col.deleteMany({ _id: { $in: keys } });
      await versions.write(tenant, ownerUserID, deleted(...conversationIDs));
      await recvOpts.invalidate(
        tenant,
        conversationIDs.map((id) => recordID(ownerUserID, id)),
      );
    },
  });
}
