import { type FieldLimit, type MessageName, messageLimits } from '@im/protocol';
import { ADMIN_SECRET } from './http-server.ts';

/** Messages hold messages; what is deeper is left as it is. */
export const DEPTH = 3;

/** Values that reach the stores: of existing users, a group and a message. */
const GOOD: Readonly<Record<string, unknown>> = {
  conversationID: 'si_u1_u2',
  conversationIDs: ['si_u1_u2'],
  groupID: 'g1',
  groupIDs: ['g1'],
  groupName: 'g',
  hash: '0123456789abcdef0123456789abcdef',
  name: 'u1/file',
  platformID: 1,
  platform: 1,
  pagination: { pageNumber: 1, showNumber: 10 },
  seq: 1,
  seqs: [1],
  size: 10,
  sessionType: 1,
  contentType: 101,
  toUserID: 'u2',
  recvID: 'u2',
  recvIDs: ['u2'],
  recvUserID: 'u2',
  recvGroupID: '',
  friendUserID: 'u2',
  friendUserIDs: ['u2'],
  blackUserID: 'u3',
  userID2: 'u2',
  invitedUserIDs: ['u3'],
  kickedUserIDs: ['u2'],
  memberUserIDs: ['u2'],
  newOwnerUserID: 'u2',
  oldOwnerUserID: 'u1',
  handleResult: 1,
  joinSource: 3,
  groupType: 2,
  mutedSeconds: 60,
  genre: 1,
  conversationType: 1,
  hasReadSeq: 1,
  start: 1_000_000,
  end: 2_000_000_000_000,
  startTime: 0,
  endTime: 2_000_000_000_000,
  secret: ADMIN_SECRET,
  parts: ['0123456789abcdef0123456789abcdef'],
  partNumbers: [1],
  sendTime: '',
};
/** Content of a text message. */
export const CONTENT = { content: 'x' };

export interface GoodBodyOptions {
  /** @default 3 */
  readonly depth?: number;
  /** Entries of a list, or keys of a map. @default 1 */
  readonly entriesOf?: (limit: FieldLimit) => number;
  /** Value of a field in entry `n` of a list, from 0; undefined for the usual one. */
  readonly numbered?: (field: string, n: number) => unknown;
}

/** A request that reaches the stores. */
export function goodBody(name: MessageName, options: GoodBodyOptions = {}): Record<string, unknown> {
  return body(name, { depth: DEPTH, entriesOf: () => 1, numbered: () => undefined, ...options }, undefined);
}

function body(
  name: MessageName,
  options: Required<GoodBodyOptions>,
  entry: number | undefined,
): Record<string, unknown> {
  return Object.fromEntries(
    [...messageLimits(name)].map(([field, limit]) => [field, goodValue(name, field, limit, options, entry)]),
  );
}

function goodValue(
  message: MessageName,
  field: string,
  limit: FieldLimit,
  options: Required<GoodBodyOptions>,
  entry: number | undefined,
): unknown {
  if (message === 'api.SendMsgReq' && field === 'sendTime') return 0;
  const own = entry === undefined ? undefined : options.numbered(field, entry);
  if (own !== undefined) return own;
  const count = limit.entries === undefined ? 1 : Math.min(limit.entries, options.entriesOf(limit));
  if (field in GOOD && (limit.entries === undefined || count === 1)) return GOOD[field];
  const one = (n: number | undefined): unknown => {
    switch (limit.kind) {
      case 'message':
        return options.depth === 0
          ? {}
          : body(limit.message, { ...options, depth: options.depth - 1 }, n ?? entry);
      case 'bool':
        return true;
      case 'number':
        return (n === undefined ? undefined : options.numbered(field, n)) ?? Math.max(1, limit.least);
      case 'bytes':
        return '';
      case 'id':
        return (n === undefined ? undefined : options.numbered(field, n)) ?? 'u1';
      case 'text':
        return /[hH]ash$/.test(field) && limit.chars === 20 ? 1 : 'x';
    }
  };
  if (limit.entries === undefined) return one(undefined);
  const entries = Array.from({ length: count }, (_, n) => one(n));
  if (limit.keyChars === undefined) return entries;
  return Object.fromEntries(entries.map((value, n) => [count === 1 ? 'key' : `key${n}`, value]));
}
