import type { TenantId } from '@im/contract';
import { KEY_SEPARATOR } from '@im/kit';
import { type conversation, make, RECV_OPT } from '@im/protocol';
import type { Filter } from 'mongodb';
import { defineCollection, type TenantDocument } from '../collection.ts';
import { guarded } from '../errors.ts';
import { gatheredReads } from '../gathered-reads.ts';
import type { Store } from '../store.ts';
import { wholeList } from '../whole-list.ts';
import { documentsOf } from './by-id.ts';
import { readsByUser } from './by-user.ts';
import type { MembershipMarks } from './membership-guard.ts';
import type { Page } from './user.ts';
import { type VersionLogs, versionLogs } from './version-log.ts';

/** A conversation as one of its owners sees it. `_id` = tenant, owner, conversation. */
export interface ConversationDocument extends TenantDocument, MembershipMarks {
  v: 1;
  ownerUserID: string;
  conversationID: string;
  recvMsgOpt: number;
  conversationType: number;
  /** Peer of single chats and notification chats. */
  userID: string;
  groupID: string;
  isPinned: boolean;
  attachedInfo: string;
  isPrivateChat: boolean;
  groupAtType: number;
  ex: string;
  burnDuration: number;
  minSeq: number;
  /** 0, or the last seq that an owner who left the group may see. */
  maxSeq: number;
  msgDestructTime: number;
  latestMsgDestructTime: number;
  isMsgDestruct: boolean;
  /** Insertion order. */
  ord: number;
}

/** Collection of conversation records; the conversation domain and transfer write it. */
export const CONVERSATION_SETTINGS = defineCollection<ConversationDocument>('conversation', [
  { keys: { ownerUserID: 1, ord: 1 } },
  { keys: { conversationID: 1, recvMsgOpt: 1 } },
  { keys: { userID: 1 } },
  { keys: { isMsgDestruct: 1, latestMsgDestructTime: 1 } },
]);

/** What the message domain needs of a record to bound what its owner sees. */
export interface ConversationBounds {
  readonly conversationID: string;
  readonly minSeq: number;
  readonly maxSeq: number;
  readonly isPinned: boolean;
}

/** Conversation records of users, in the order of insertion. */
export interface ConversationSettings {
  /** Versions of each user's records. */
  readonly versions: VersionLogs;
  /**
   * Receive option of the owner, undefined without a record, for the checks on sending. From the process's
   * copy, which only knows of records, so that a new one is seen at once.
   */
  recvMsgOpt(tenant: TenantId, ownerUserID: string, conversationID: string): Promise<number | undefined>;
  /** Those that exist. */
  find(
    tenant: TenantId,
    ownerUserID: string,
    conversationIDs: readonly string[],
  ): Promise<conversation.Conversation[]>;
  /** One page, or all without one. @throws ImError 1001 when all are too large to be held in memory. */
  list(tenant: TenantId, ownerUserID: string, page?: Page): Promise<conversation.Conversation[]>;
  /** All, without what may be large: `ex` and `attachedInfo`. */
  listBrief(tenant: TenantId, ownerUserID: string): Promise<conversation.Conversation[]>;
  count(tenant: TenantId, ownerUserID: string): Promise<number>;
  ids(tenant: TenantId, ownerUserID: string): Promise<string[]>;
  pinnedIDs(tenant: TenantId, ownerUserID: string): Promise<string[]>;
  /** Ids of those that are received without notice (option 2). */
  notNotifyIDs(tenant: TenantId, ownerUserID: string): Promise<string[]>;
  /** Bounds of all records of the owner, or of the named ones that exist. */
  bounds(
    tenant: TenantId,
    ownerUserID: string,
    conversationIDs?: readonly string[],
  ): Promise<ConversationBounds[]>;
  /** Owners of records of this conversation. */
  owners(tenant: TenantId, conversationID: string): Promise<string[]>;
  /** Owners whose receive option keeps offline notifications away. */
  quietOwners(tenant: TenantId, conversationID: string): Promise<string[]>;
}

/** The process's copies of receive options. */
export function recvOptCache(store: Store) {
  return store.cached<{ readonly opt: number }>({ name: 'recv-opt', max: 200_000, ttlMs: 30_000 });
}

/** Id of a receive option's copy. */
export const recordID = (ownerUserID: string, conversationID: string) =>
  ownerUserID + KEY_SEPARATOR + conversationID;

const ORDER = { ord: 1 } as const;
const BOUNDS = { conversationID: 1, minSeq: 1, maxSeq: 1, isPinned: 1 } as const;
const MARKS = { _id: 0, conversationID: 1, isPinned: 1, recvMsgOpt: 1 } as const;

/** Some conversations of one owner. */
interface BoundsQuery {
  readonly tenant: TenantId;
  readonly ownerUserID: string;
  readonly conversationIDs: readonly string[];
}

/** A record as the API shows it. */
export function toConversation(doc: ConversationDocument): conversation.Conversation {
  return make('conversation.Conversation', {
    ownerUserID: doc.ownerUserID,
    conversationID: doc.conversationID,
    recvMsgOpt: doc.recvMsgOpt,
    conversationType: doc.conversationType,
    userID: doc.userID,
    groupID: doc.groupID,
    isPinned: doc.isPinned,
    attachedInfo: doc.attachedInfo,
    isPrivateChat: doc.isPrivateChat,
    groupAtType: doc.groupAtType,
    ex: doc.ex,
    burnDuration: doc.burnDuration,
    minSeq: doc.minSeq,
    maxSeq: doc.maxSeq,
    msgDestructTime: doc.msgDestructTime,
    latestMsgDestructTime: doc.latestMsgDestructTime,
    isMsgDestruct: doc.isMsgDestruct,
  });
}

/** The conversation records of a store. */
export function conversationSettings(store: Store): ConversationSettings {
  const cache = recvOptCache(store);
  const collectionOf = (tenant: TenantId) => store.collection(tenant, CONVERSATION_SETTINGS);
  const ofOwner = readsByUser(store, {
    name: 'conversation-ids',
    spec: CONVERSATION_SETTINGS,
    field: 'ownerUserID',
    projection: { _id: 0, ownerUserID: 1, conversationID: 1, ord: 1 },
  });
  const readBounds = gatheredReads<ConversationDocument, BoundsQuery, ConversationBounds[]>(store, {
    name: 'conversation-bounds',
    spec: CONVERSATION_SETTINGS,
    weightOf: ({ conversationIDs }) => conversationIDs.length,
    async read(queries) {
      const keys = queries.map(({ view, query }) =>
        query.conversationIDs.map((id) => view.key(query.ownerUserID, id)),
      );
      const found = await documentsOf(queries[0]?.view, keys, BOUNDS);
      return keys.map((ids) =>
        [...new Set(ids)].flatMap((id): ConversationBounds[] => {
          const doc = found.get(id);
          if (!doc) return [];
          const { conversationID, minSeq, maxSeq, isPinned } = doc;
          return [{ conversationID, minSeq, maxSeq, isPinned }];
        }),
      );
    },
  });
  const keysOf = (tenant: TenantId, owner: string, ids: readonly string[]) =>
    ids.map((id) => collectionOf(tenant).key(owner, id));

  async function idsWhere(
    tenant: TenantId,
    ownerUserID: string,
    wanted: (record: ConversationDocument) => boolean,
  ): Promise<string[]> {
    const docs = await collectionOf(tenant)
      .col.find({ t: tenant, ownerUserID }, { sort: ORDER, projection: MARKS })
      .toArray();
    return docs.filter(wanted).map(({ conversationID }) => conversationID);
  }
  async function ownersWhere(tenant: TenantId, filter: Filter<ConversationDocument>): Promise<string[]> {
    const docs = await collectionOf(tenant)
      .col.find({ t: tenant, ...filter }, { projection: { _id: 0, ownerUserID: 1 } })
      .toArray();
    return docs.map(({ ownerUserID }) => ownerUserID);
  }

  return guarded<ConversationSettings>({
    versions: versionLogs(store, 'conversation'),
    async recvMsgOpt(tenant, ownerUserID, conversationID) {
      const known = await cache.get(tenant, recordID(ownerUserID, conversationID), async () => {
        const records = collectionOf(tenant);
        const doc = await records.col.findOne(
          { _id: records.key(ownerUserID, conversationID) },
          { projection: { recvMsgOpt: 1 } },
        );
        return doc ? { opt: doc.recvMsgOpt } : undefined;
      });
      return known?.opt;
    },
    async find(tenant, ownerUserID, conversationIDs) {
      const docs = await collectionOf(tenant)
        .col.find({ _id: { $in: keysOf(tenant, ownerUserID, conversationIDs) } })
        .toArray();
      return docs.map(toConversation);
    },
    async list(tenant, ownerUserID, page) {
      if (page?.limit === 0) return [];
      const found = collectionOf(tenant).col.find({ t: tenant, ownerUserID }, { sort: ORDER, ...page });
      const docs = await wholeList(
        found,
        ({ ex, attachedInfo }) => ex.length + attachedInfo.length,
        'ask for smaller pages (get_owner_conversation)',
      );
      return docs.map(toConversation);
    },
    async listBrief(tenant, ownerUserID) {
      const options = { sort: ORDER, projection: { ex: 0, attachedInfo: 0 } };
      const docs = await collectionOf(tenant).col.find({ t: tenant, ownerUserID }, options).toArray();
      return docs.map((doc) => toConversation({ ...doc, ex: '', attachedInfo: '' }));
    },
    count: (tenant, ownerUserID) => collectionOf(tenant).col.countDocuments({ t: tenant, ownerUserID }),
    async ids(tenant, ownerUserID) {
      const docs = await ofOwner({ tenant, userID: ownerUserID });
      return docs.toSorted((a, b) => a.ord - b.ord).map(({ conversationID }) => conversationID);
    },
    pinnedIDs: (tenant, ownerUserID) => idsWhere(tenant, ownerUserID, ({ isPinned }) => isPinned),
    notNotifyIDs: (tenant, ownerUserID) =>
      idsWhere(tenant, ownerUserID, ({ recvMsgOpt }) => recvMsgOpt === RECV_OPT.NotNotify),
    async bounds(tenant, ownerUserID, conversationIDs) {
      if (conversationIDs?.length === 0) return [];
      if (conversationIDs) return readBounds({ tenant, ownerUserID, conversationIDs });
      const projection = { ...BOUNDS, _id: 0 };
      return collectionOf(tenant).col.find({ t: tenant, ownerUserID }, { projection }).toArray();
    },
    owners: (tenant, conversationID) => ownersWhere(tenant, { conversationID }),
    quietOwners: (tenant, conversationID) =>
      ownersWhere(tenant, { conversationID, recvMsgOpt: { $gt: RECV_OPT.Receive } }),
  });
}
