import type { TenantId } from '@im/contract';
import { KEY_SEPARATOR } from '@im/kit';
import { argsError } from '@im/protocol';
import type { Collection, IndexDirection } from 'mongodb';
import { boundedCollection } from './bounded-collection.ts';

const AFTER_SEPARATOR = '\u0020';

/**
 * What every document has, in both placements, so that a tenant can be moved without rewriting it:
 * `_id` begins with the tenant, and `t` is the tenant, the first field of every index.
 */
export interface TenantDocument {
  _id: string;
  /** Tenant. */
  t: string;
}

/** An index besides `_id`. The tenant field `t` is put in front of the keys, except in collections of the cluster. */
export interface IndexSpec {
  /** Fields in order: equality first, then the sort field, one direction. */
  readonly keys: Readonly<Record<string, IndexDirection>>;
  readonly unique?: boolean;
  /** Documents vanish some time after this many seconds past the first field's Date; a help, not a promise. */
  readonly expireAfterSeconds?: number;
  /** The keys are all there are, since the collection is one of the cluster. @default false */
  readonly isOfCluster?: boolean;
}

/** Name and indexes of a collection; made once, next to its repository. */
export interface CollectionSpec<T extends TenantDocument> {
  readonly name: string;
  readonly indexes: readonly IndexSpec[];
  /** Carries the type only; never set. */
  readonly document?: T;
}

/** Declares a collection. It must also stand in `collections.ts`, from where its indexes are made at start. */
export function defineCollection<T extends TenantDocument>(
  name: string,
  indexes: readonly IndexSpec[] = [],
): CollectionSpec<T> {
  return { name, indexes };
}

/**
 * A collection as one tenant sees it: every filter begins with `_id: key(…)` or `t: tenant`. The latter goes on with
 * the first fields of one index and nothing more, the last of them perhaps as `$in` or a range without `$lte`:
 * only that costs the same on every server, however large the collection is.
 */
export interface TenantCollection<T extends TenantDocument> {
  readonly col: Collection<T>;
  readonly tenant: TenantId;
  /** `_id` of the document named by these parts. @throws ImError 1001 for a part with a control character. */
  key(...parts: readonly string[]): string;
  /**
   * Filter on `_id` for all documents whose key begins with these parts and has more; all of the tenant without parts.
   * Some servers walk the whole collection for it: for passes over a tenant only, never on a client's path.
   */
  range(...parts: readonly string[]): { $gt: string; $lt: string };
  /** The parts of a key without the tenant. */
  parts(key: string): string[];
}

function join(tenant: TenantId, parts: readonly string[]): string {
  let key: string = tenant;
  for (const part of parts) {
    if (part.includes(KEY_SEPARATOR)) throw argsError('an id contains a control character');
    key += KEY_SEPARATOR + part;
  }
  return key;
}

/** Gives the collection its tenant's keys. */
export function tenantCollection<T extends TenantDocument>(
  tenant: TenantId,
  col: Collection<T>,
): TenantCollection<T> {
  return {
    col: boundedCollection(col),
    tenant,
    key: (...parts) => join(tenant, parts),
    range(...parts) {
      const prefix = join(tenant, parts);
      return { $gt: prefix + KEY_SEPARATOR, $lt: prefix + AFTER_SEPARATOR };
    },
    parts: (key) => key.split(KEY_SEPARATOR).slice(1),
  };
}
