import type { CollectionSpec, TenantDocument } from './collection.ts';

/** Every collection, so that their indexes exist before a process is ready. */
export const COLLECTIONS: readonly CollectionSpec<TenantDocument>[] = [];
