import { tagOf, textField, varintSize } from './wire.ts';

/** Length of a record's dedup key in bytes. */
export const DEDUP_KEY_BYTES = 16;

const DEDUP_KEY = tagOf('log.Record', 'dedupKey');
/** The key is the first field; its tag and its length come before it. */
const KEY_AT = varintSize(DEDUP_KEY) + varintSize(DEDUP_KEY_BYTES);

/** The dedup key of an encoded `log.Record`, without decoding it; undefined for other bytes. */
export function dedupKeyOf(record: Uint8Array): Uint8Array | undefined {
  if (record.length < KEY_AT + DEDUP_KEY_BYTES) return undefined;
  if (record[0] !== DEDUP_KEY || record[1] !== DEDUP_KEY_BYTES) return undefined;
  return record.subarray(KEY_AT, KEY_AT + DEDUP_KEY_BYTES);
}

const DELIVERY = {
  targetUserID: tagOf('log.Delivery', 'targetUserID'),
  targetGroupID: tagOf('log.Delivery', 'targetGroupID'),
  addedUserIDs: tagOf('log.Delivery', 'addedUserIDs'),
  removedUserIDs: tagOf('log.Delivery', 'removedUserIDs'),
} as const;

/**
 * One field of `log.Delivery`, encoded. Fields may come in any order, so deliveries that differ in their targets only
 * are the same bytes with different fields behind them.
 */
export function deliveryField(name: keyof typeof DELIVERY, id: string): Buffer {
  return textField(DELIVERY[name], id);
}
