import type { TenantId } from '@im/contract';
import type { Document } from 'mongodb';
import { defineCollection, type TenantDocument } from '../collection.ts';
import { guarded } from '../errors.ts';
import type { Store } from '../store.ts';
import { bulkUpsert } from './bulk-writes.ts';
import { HANDLE_RESULT } from './friend-request.ts';
import type { Page } from './user.ts';

/** A request that `userID` become a member. */
export interface GroupRequest {
  readonly groupID: string;
  readonly userID: string;
  /** 0 pending, 1 agreed, -1 refused. */
  readonly handleResult: number;
  readonly reqMsg: string;
  readonly handledMsg: string;
  /** ms. */
  readonly reqTime: number;
  readonly handleUserID: string;
  /** ms; 0 while it is pending. */
  readonly handledTime: number;
  /** 1 admin, 2 invitation, 3 search, 4 QR code. */
  readonly joinSource: number;
  /** Who invited; empty when the user applied. */
  readonly inviterUserID: string;
  readonly ex: string;
}

/** `_id` = tenant, group, user. */
interface GroupRequestDocument extends TenantDocument, GroupRequest {
  v: 1;
}

/** Collection of group requests; the group domain alone writes it. */
export const GROUP_REQUESTS = defineCollection<GroupRequestDocument>('group_request', [
  { keys: { groupID: 1, reqTime: -1 } },
  { keys: { userID: 1, reqTime: -1 } },
  { keys: { groupID: 1, handleResult: 1, reqTime: -1 } },
]);

/** Which requests; empty lists mean all. */
export interface GroupRequestQuery {
  /** Of this applicant, in any group unless `groupIDs` says which. */
  readonly userID?: string;
  /** To these groups. */
  readonly groupIDs: readonly string[];
  readonly handleResults: readonly number[];
}

/** How a request was answered. */
export type GroupAnswer = Pick<GroupRequest, 'handleResult' | 'handledMsg' | 'handleUserID' | 'handledTime'>;

/** Requests for membership. */
export interface GroupRequestRepo {
  /** Those of the named users that exist. */
  find(tenant: TenantId, groupID: string, userIDs: readonly string[]): Promise<GroupRequest[]>;
  /** Replaces any older request of the same user to the same group. */
  put(tenant: TenantId, requests: readonly GroupRequest[]): Promise<void>;
  /** Answers a pending request. @returns the request afterwards; undefined when none was pending. */
  answer(
    tenant: TenantId,
    groupID: string,
    userID: string,
    answer: GroupAnswer,
  ): Promise<GroupRequest | undefined>;
  /** Newest first. A query without user and without groups finds nothing. */
  list(
    tenant: TenantId,
    query: GroupRequestQuery,
    page: Page,
  ): Promise<{ total: number; requests: GroupRequest[] }>;
  /** Removes all of an applicant. @returns how many. */
  removeAll(tenant: TenantId, userID: string): Promise<number>;
  /** Pending ones to these groups made after `time` (ms; 0 counts all). */
  countPending(tenant: TenantId, groupIDs: readonly string[], time: number): Promise<number>;
}

function toRequest({ _id, t, v, ...request }: GroupRequestDocument): GroupRequest {
  return request;
}

/** The group requests of a store. */
export function groupRequestRepo(store: Store): GroupRequestRepo {
  const collectionOf = (tenant: TenantId) => store.collection(tenant, GROUP_REQUESTS);

  async function countOf(tenant: TenantId, match: readonly Document[]): Promise<number> {
    const [answer] = await collectionOf(tenant)
      .col.aggregate<{ n: number }>([...match, { $count: 'n' }])
      .toArray();
    return answer?.n ?? 0;
  }

  return guarded<GroupRequestRepo>({
    async find(tenant, groupID, userIDs) {
      const requests = collectionOf(tenant);
      const keys = userIDs.map((id) => requests.key(groupID, id));
      return (await requests.col.find({ _id: { $in: keys } }).toArray()).map(toRequest);
    },
    async removeAll(tenant, userID) {
      return (await collectionOf(tenant).col.deleteMany({ t: tenant, userID })).deletedCount;
    },
    async put(tenant, added) {
      const requests = collectionOf(tenant);
      await bulkUpsert(
        requests.col,
        added.map((request) => ({
          updateOne: {
            filter: { _id: requests.key(request.groupID, request.userID) },
            update: { $set: { t: tenant, v: 1, ...request } },
            upsert: true,
          },
        })),
      );
    },
    async answer(tenant, groupID, userID, answer) {
      const requests = collectionOf(tenant);
      const pending = { _id: requests.key(groupID, userID), handleResult: HANDLE_RESULT.Pending };
      const doc = await requests.col.findOne(pending);
      if (!doc) return undefined;
      const { matchedCount } = await requests.col.updateOne(pending, { $set: answer });
      return matchedCount === 1 ? { ...toRequest(doc), ...answer } : undefined;
    },
    async list(tenant, { userID, groupIDs, handleResults }, { skip, limit }) {
      const { col } = collectionOf(tenant);
      if (userID === undefined && groupIDs.length === 0) return { total: 0, requests: [] };
      const byGroup = groupIDs.length > 0 && { groupID: { $in: [...groupIDs] } };
      const match = [
        { $match: { t: tenant, ...(userID === undefined ? byGroup : { userID }) } },
        {
          $match: {
            ...byGroup,
            ...(handleResults.length > 0 && { handleResult: { $in: [...handleResults] } }),
          },
        },
      ];
      const total = await countOf(tenant, match);
      if (limit === 0 || skip >= total) return { total, requests: [] };
      const docs = await col
        .aggregate<GroupRequestDocument>([
          ...match,
          { $sort: { reqTime: -1 } },
          { $skip: skip },
          { $limit: limit },
        ])
        .toArray();
      return { total, requests: docs.map(toRequest) };
    },
    async countPending(tenant, groupIDs, time) {
      if (groupIDs.length === 0) return 0;
      return countOf(tenant, [
        { $match: { t: tenant, groupID: { $in: [...groupIDs] } } },
        { $match: { handleResult: HANDLE_RESULT.Pending, reqTime: { $gt: time } } },
      ]);
    },
  });
}
