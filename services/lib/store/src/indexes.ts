import type { Document, IndexDescription } from 'mongodb';
import type { IndexSpec } from './collection.ts';

/** Name of an index, made of its keys. */
export function indexName(key: Document): string {
  return Object.entries(key)
    .map(([field, direction]) => `${field}_${String(direction)}`)
    .join('_');
}

/** The driver's form of an index, with the tenant in front unless it is of the cluster, and a name made of its keys. */
export function indexDescription(spec: IndexSpec): IndexDescription {
  // A TTL index has one field only, so it cannot begin with the tenant.
  const isBare = spec.isOfCluster || spec.expireAfterSeconds !== undefined;
  const key = isBare ? { ...spec.keys } : { t: 1 as const, ...spec.keys };
  return {
    key,
    name: indexName(key),
    ...(spec.unique ? { unique: true } : {}),
    ...(spec.expireAfterSeconds === undefined ? {} : { expireAfterSeconds: spec.expireAfterSeconds }),
  };
}
