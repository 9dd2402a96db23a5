import { z } from 'zod';
import { TENANT_ID_PATTERN } from './tenant.ts';

/** Most tenants of one page of usage. */
export const USAGE_PAGE = 500;

/**
 * Body of `POST /tenants/usage` on the ops port of a process with the domain `user`: a page of what tenants use, in the
 * order of their IDs.
 */
export const TenantUsageQuery = z.strictObject({
  /** ID of the last tenant of the page before; absent for the first page. */
  after: z.string().regex(TENANT_ID_PATTERN).optional(),
});
export type TenantUsageQuery = z.infer<typeof TenantUsageQuery>;

/** What one tenant uses. A figure that was not taken yet, or cannot be read now, is absent. */
export interface TenantFigures {
  readonly id: string;
  /** Accounts at the last count of statistics, at most a day old. */
  readonly users?: number;
  /** Connections at the last heartbeat of each gateway. */
  readonly connections?: number;
  /** Messages of single chats and groups of the current day of its statistics, at the last count. */
  readonly messagesToday?: number;
  /** The same of the day before. */
  readonly messagesYesterday?: number;
  /** Requests that limits refused on the current day of its statistics; at most a minute old. */
  readonly throttledToday?: number;
  /** The same of the day before. */
  readonly throttledYesterday?: number;
  /** Bytes of stored objects now, unfinished uploads included. */
  readonly storageBytes?: number;
}

/** Answer of `POST /tenants/usage`. */
export interface TenantUsagePage {
  readonly tenants: readonly TenantFigures[];
  /** `after` of the next page; absent when there is none. */
  readonly next?: string;
}

/** Answer of `POST /tenants/refusals` on the ops port of any process. */
export interface TenantRefusalsReport {
  /** Name of the process, new at every start, from which on it counts. */
  readonly instance: string;
  /** Refused requests since the start of the process, by tenant and limit. Tenants of which nothing was refused are absent. */
  readonly refused: Readonly<Record<string, Readonly<Record<string, number>>>>;
}
