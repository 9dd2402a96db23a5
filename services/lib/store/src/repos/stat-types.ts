import { CONTENT } from '@im/protocol';

/** Types of messages that clients make, besides those that the server acts upon. */
const OF_CLIENTS = [107, 108, 109, 112, 115, 116, 117, 119];

/** Content types that are counted by themselves: clients choose the numbers, so all others are counted as one. */
export const LISTED_TYPES: ReadonlySet<number> = new Set([...Object.values(CONTENT), ...OF_CLIENTS]);
