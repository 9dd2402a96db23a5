/** What is to be said of figures of messages before the first count of a tenant has ended; undefined afterwards. */
export function notCounted({ countedTo }: { readonly countedTo?: unknown }): string | undefined {
  if (countedTo !== 0) return undefined;
  return 'not counted yet: the first count of the messages has not ended; `openimctl cron list count-statistics` shows how far it is';
}
