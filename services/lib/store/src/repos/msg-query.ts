import type { Filter } from 'mongodb';
import { isOverTime } from '../errors.ts';
import type { MsgPlace } from './msg-id-walk.ts';
import type { MsgRowDocument } from './msg-row-document.ts';

/** Log or send times, ms; `end` is not part of it. */
export interface Period {
  readonly start: number;
  readonly end: number;
}

/** What a search looks for; absent fields match everything. */
export interface MsgQuery {
  readonly sendID?: string;
  /** Receiver of a single chat. */
  readonly recvID?: string;
  readonly contentType?: number;
  /** Send times, ms. */
  readonly period?: Period;
}

/** Some places, and what to look for there. */
export interface MsgSearchPart {
  readonly places: readonly MsgPlace[];
  readonly query: MsgQuery;
}

/** A query may end a little after the budget. */
const GRACE_MS = 1_000;

/** Matches the rows of a query that still have their content. */
export function condition(query: MsgQuery): Filter<MsgRowDocument> {
  return {
    x: { $ne: true },
    ...(query.sendID === undefined ? {} : { s: query.sendID }),
    ...(query.recvID === undefined ? {} : { r: query.recvID }),
    ...(query.contentType === undefined ? {} : { ct: query.contentType }),
    ...(query.period === undefined ? {} : { st: { $gte: query.period.start, $lt: query.period.end } }),
  };
}

/** The result of a query, or undefined when the time was not enough for it. @param until when the budget ends, ms. */
export async function inTime<T>(
  until: number,
  query: (maxTimeMS: number) => Promise<T>,
): Promise<T | undefined> {
  try {
    return await query(Math.max(1, until + GRACE_MS - Date.now()));
  } catch (error) {
    if (isOverTime(error)) return undefined;
    throw error;
  }
}
