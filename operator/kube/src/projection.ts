import { createHash } from 'node:crypto';

/** A fingerprint of JSON, independent of the order of keys and of undefined values. */
export function fingerprint(value: unknown): string {
  return createHash('sha256').update(canonical(value)).digest('base64url');
}

/**
 * A fingerprint of the fields of `live` that `manifest` sets, as stored by the server, with its spelling of quantities
 * and without fields of others. The length of lists counts.
 * @returns undefined when not all of them are readable (`stringData` of a Secret is write-only), so that a change would
 * be invisible.
 */
export function projectionOf(manifest: unknown, live: unknown): string | undefined {
  const hidden = { found: false };
  const projected = project(manifest, live, hidden);
  return hidden.found ? undefined : fingerprint(projected);
}

function project(manifest: unknown, live: unknown, hidden: { found: boolean }): unknown {
  if (live === undefined || live === null) {
    if (!isEmpty(manifest)) hidden.found = true;
    return null;
  }
  if (Array.isArray(manifest) && Array.isArray(live)) {
    if (manifest.length > live.length) hidden.found = true;
    return live.map((item, i) => (i < manifest.length ? project(manifest[i], item, hidden) : null));
  }
  if (isRecord(manifest) && isRecord(live)) {
    const fields: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(manifest)) {
      if (value !== undefined) fields[name] = project(value, live[name], hidden);
    }
    return fields;
  }
  return live;
}

/** Values that the server may omit. */
function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === '' || value === 0 || value === false) return true;
  if (Array.isArray(value)) return value.length === 0;
  return isRecord(value) && Object.values(value).every(isEmpty);
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    isRecord(inner) ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1))) : inner,
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
