/** Names of the streams. */
export const STREAM = { log: 'MSGS', deliveries: 'SEQ', webhooks: 'HOOKS' } as const;

/** Partitions of the message log; fixed for good, because they decide which messages are ordered together. */
export const PARTITIONS = 64;

/** Shares of the message log's size limit at which something happens. */
export const LOG_SHARE = {
  /** Only what a replay needs is kept. */
  tight: 0.6,
  /** Operators are warned. */
  alarm: 0.7,
  /** Records are refused: the rest is for what is under way. */
  refuse: 0.9,
} as const;
