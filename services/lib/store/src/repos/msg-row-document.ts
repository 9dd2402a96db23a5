import type { Binary } from 'mongodb';
import type { TenantDocument } from '../collection.ts';

/** Who revoked a message. */
export interface Revocation {
  /** Role in the group, or level of the account in a single chat; 0 for an administrator. */
  readonly role: number;
  readonly userID: string;
  readonly nickname: string;
  /** Milliseconds. */
  readonly time: number;
}

/** A stored message; `_id` is tenant, conversation and seq. Only transfer makes rows, only msg changes them. */
export interface MsgRowDocument extends TenantDocument {
  /** Version of the row's layout. */
  v: number;
  /** Dedup key of its record; 16 bytes. */
  k: Binary;
  /** Position of its record in the log. */
  p: number;
  /** Encoded sdkws.MsgData without seq; absent when blanked. */
  d?: Binary;
  /** Sender. */
  s: string;
  /** Receiver; of group messages whatever the sender filled in. */
  r: string;
  /** Content type. */
  ct: number;
  /** Send time as the sender gave it, ms. */
  st: number;
  /** Time of the log, ms. */
  lt: number;
  rv?: Revocation;
  /** Users who deleted it for themselves. */
  del?: string[];
  /** Read by the receiver of a single chat. */
  rd?: boolean;
  /** Blanked for everyone: the content is gone, the seq stays. */
  x?: boolean;
}
