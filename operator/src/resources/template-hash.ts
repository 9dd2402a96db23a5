import { createHash } from 'node:crypto';

/**
 * Hash of a pod template, or of anything else that is JSON: the first 16 hex digits of its SHA-256. The order of keys
 * and absent values do not matter; the order of lists does.
 */
export function templateHash(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex').slice(0, 16);
}

function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (inner === null || typeof inner !== 'object' || Array.isArray(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
