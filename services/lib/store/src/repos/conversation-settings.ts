import type { TenantId } from '@im/contract';
import { KEY_SEPARATOR } from '@im/kit';
import { type conversation, make, RECV_OPT } from '@im/protocol';
import type { Filter } from 'mongodb';
import { defineCollection, type TenantDocument } from '../collection.ts';
import { guarded } from '../errors.ts';
import type { Store } from '../store.ts';
import { wholeList } from '../whole-list.ts';
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
const MARKS = { _id: 0, conversationID: 1, isPinned: 1, recvMsgOpt: 1 } as const;

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
    ids: (tenant, ownerUserID) => idsWhere(tenant, ownerUserID, () => true),
    pinnedIDs: (tenant, ownerUserID) => idsWhere(tenant, ownerUserID, ({ isPinned }) => isPinned),
    notNotifyIDs: (tenant, ownerUserID) =>
      idsWhere(tenant, ownerUserID, ({ recvMsgOpt }) => recvMsgOpt === RECV_OPT.NotNotify),
    bounds(tenant, ownerUserID, conversationIDs) {
      const filter: Filter<ConversationDocument> =
        conversationIDs === undefined
          ? { t: tenant, ownerUserID }
          : { _id: { $in: keysOf(tenant, ownerUserID, conversationIDs) } };
      return collectionOf(tenant)
        .col.find(filter, { projection: { _id: 0, conversationID: 1, minSeq: 1, maxSeq: 1, isPinned: 1 } })
        .toArray();
    },
    owners: (tenant, conversationID) => ownersWhere(tenant, { conversationID }),
    quietOwners: (tenant, conversationID) =>
      ownersWhere(tenant, { conversationID, recvMsgOpt: { $gt: RECV_OPT.Receive } }),
  });
}
