import type { TenantId } from '@im/contract';

/** What a cache does when something it may hold has changed. */
export interface InvalidationHandler {
  /** These keys of this tenant changed somewhere. */
  onKeys(tenant: TenantId, keys: readonly string[]): void;
  /** Changes may have been missed (a lost connection): everything held may be old. */
  onMissed(): void;
}

/**
 * Announces to the caches of all processes what changed. Best effort: a cache also has a time limit, and
 * truth is never decided from one. The bus implements it across processes.
 */
export interface Invalidations {
  /** Makes every subscriber, this process included, forget the keys. Resolves when it was handed on. */
  publish(tenant: TenantId, keys: readonly string[]): Promise<void>;
  /** @returns a function that ends the subscription. */
  subscribe(handler: InvalidationHandler): () => void;
}

/** Invalidations of one process, for servers without a bus and for tests. */
export function inProcessInvalidations(): Invalidations {
  const handlers = new Set<InvalidationHandler>();
  return {
    async publish(tenant, keys) {
      for (const handler of handlers) handler.onKeys(tenant, keys);
    },
    subscribe(handler) {
      handlers.add(handler);
      return () => {
        handlers.delete(handler);
      };
    },
  };
}
