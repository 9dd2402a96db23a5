import type { TenantId } from '@im/contract';
import type { Filter } from 'mongodb';
import { defineCollection, type TenantDocument } from '../collection.ts';
import { guarded, retryDuplicate } from '../errors.ts';
import type { Store } from '../store.ts';
import type { Page } from './user.ts';

/** Answer to a request: friend or group. */
export const HANDLE_RESULT = { Pending: 0, Agree: 1, Refuse: -1 } as const;

/** A request of `fromUserID` to become a friend of `toUserID`. */
export interface FriendRequest {
  readonly fromUserID: string;
  readonly toUserID: string;
  /** 0 pending, 1 agreed, -1 refused. */
  readonly handleResult: number;
  readonly reqMsg: string;
  /** ms. */
  readonly createTime: number;
  readonly handlerUserID: string;
  readonly handleMsg: string;
  /** ms; 0 while it is pending. */
  readonly handleTime: number;
  readonly ex: string;
}

/** `_id` = tenant, from, to. */
interface FriendRequestDocument extends TenantDocument, FriendRequest {
  v: 1;
}

/** Collection of friend requests; the relation domain alone writes it. */
export const FRIEND_REQUESTS = defineCollection<FriendRequestDocument>('friend_request', [
  { keys: { toUserID: 1, createTime: -1 } },
  { keys: { fromUserID: 1, createTime: -1 } },
  { keys: { toUserID: 1, handleResult: 1, createTime: -1 } },
  { keys: { fromUserID: 1, handleResult: 1, createTime: -1 } },
]);

/** Which requests of a user: those received or those sent, with one of these results; none given means all. */
export interface FriendRequestQuery {
  readonly side: 'received' | 'sent';
  readonly userID: string;
  readonly handleResults: readonly number[];
}

/** How a request was answered; what is absent stays. */
export interface FriendAnswer {
  readonly handleResult: number;
  readonly handleTime: number;
  readonly handlerUserID?: string;
  readonly handleMsg?: string;
}

/** Requests for friendship. */
export interface FriendRequestRepo {
  get(tenant: TenantId, fromUserID: string, toUserID: string): Promise<FriendRequest | undefined>;
  /** Makes the request pending again or for the first time; who handled an older one, and when, stays. */
  put(
    tenant: TenantId,
    request: Pick<FriendRequest, 'fromUserID' | 'toUserID' | 'reqMsg' | 'ex' | 'createTime'>,
  ): Promise<void>;
  /** Answers a pending request. @returns the request afterwards; undefined when none was pending. */
  answer(
    tenant: TenantId,
    fromUserID: string,
    toUserID: string,
    answer: FriendAnswer,
  ): Promise<FriendRequest | undefined>;
  /** Newest first. */
  list(
    tenant: TenantId,
    query: FriendRequestQuery,
    page: Page,
  ): Promise<{ total: number; requests: FriendRequest[] }>;
  /** Removes all that the user sent or received. @returns how many. */
  removeAll(tenant: TenantId, userID: string): Promise<number>;
  /** Pending ones that the user received after `time` (ms; 0 counts all). */
  countPending(tenant: TenantId, toUserID: string, time: number): Promise<number>;
}

function toRequest(doc: FriendRequestDocument): FriendRequest {
  const { _id, t, v, ...request } = doc;
  return request;
}

/** The friend requests of a store. */
export function friendRequestRepo(store: Store): FriendRequestRepo {
  const collectionOf = (tenant: TenantId) => store.collection(tenant, FRIEND_REQUESTS);

  return guarded<FriendRequestRepo>({
    async get(tenant, fromUserID, toUserID) {
      const requests = collectionOf(tenant);
      const doc = await requests.col.findOne({ _id: requests.key(fromUserID, toUserID) });
      return doc ? toRequest(doc) : undefined;
    },
    async put(tenant, { fromUserID, toUserID, ...rest }) {
      const requests = collectionOf(tenant);
      await retryDuplicate(() =>
        requests.col.updateOne(
          { _id: requests.key(fromUserID, toUserID) },
          {
            $set: { ...rest, handleResult: HANDLE_RESULT.Pending, handleMsg: '' },
            $setOnInsert: { t: tenant, v: 1, fromUserID, toUserID, handlerUserID: '', handleTime: 0 },
          },
          { upsert: true },
        ),
      );
    },
    async answer(tenant, fromUserID, toUserID, answer) {
      const requests = collectionOf(tenant);
      const pending = { _id: requests.key(fromUserID, toUserID), handleResult: HANDLE_RESULT.Pending };
      const doc = await requests.col.findOne(pending);
      if (!doc) return undefined;
      const { matchedCount } = await requests.col.updateOne(pending, { $set: answer });
      return matchedCount === 1 ? { ...toRequest(doc), ...answer } : undefined;
    },
    async list(tenant, { side, userID, handleResults }, { skip, limit }) {
      const { col } = collectionOf(tenant);
      const filter: Filter<FriendRequestDocument> = {
        t: tenant,
        ...(side === 'received' ? { toUserID: userID } : { fromUserID: userID }),
        ...(handleResults.length > 0 && { handleResult: { $in: [...handleResults] } }),
      };
      const total = await col.countDocuments(filter);
      if (limit === 0 || skip >= total) return { total, requests: [] };
      const docs = await col.find(filter, { sort: { createTime: -1 }, skip, limit }).toArray();
      return { total, requests: docs.map(toRequest) };
    },
    async removeAll(tenant, userID) {
      const { col } = collectionOf(tenant);
      const sent = await col.deleteMany({ t: tenant, fromUserID: userID });
      const received = await col.deleteMany({ t: tenant, toUserID: userID });
      return sent.deletedCount + received.deletedCount;
    },
    countPending: (tenant, toUserID, time) =>
      collectionOf(tenant).col.countDocuments({
        t: tenant,
        toUserID,
        handleResult: HANDLE_RESULT.Pending,
        createTime: { $gt: time },
      }),
  });
}
