/** Anything that JSON can hold. */
type Json = unknown;

/** Lists of a pod that are merged entry by entry, and the field that identifies an entry; other lists are replaced. */
const MERGE_KEYS: Readonly<Record<string, string>> = {
  containers: 'name',
  initContainers: 'name',
  ephemeralContainers: 'name',
  volumes: 'name',
  env: 'name',
  imagePullSecrets: 'name',
  resourceClaims: 'name',
  volumeMounts: 'mountPath',
  volumeDevices: 'devicePath',
  ports: 'containerPort',
  hostAliases: 'ip',
  topologySpreadConstraints: 'topologyKey',
};
/** A volume has one source: that of the patch replaces the other. */
const REPLACED_WHOLE: ReadonlySet<string> = new Set(['volumes', 'env', 'volumeMounts']);

/**
 * Merges a patch into a pod by the rules of Kubernetes' strategic merge: objects field by field, lists with a merge key
 * entry by entry, other lists and values replaced, and `null` removes. An entry of `volumes`, `env` or `volumeMounts`
 * replaces the one of the same key, as parts of two sources make no valid one. Neither argument is changed.
 */
export function strategicMerge<T extends object>(original: T, patch: object): T {
  return merge(original, patch, false) as T;
}

/** One patch that does what two do, the second after the first: what they remove stays in it as `null`. */
export function combinePatches(first: object, second: object): Record<string, Json> {
  return merge(first, second, true);
}

function merge(original: object, patch: object, keepNull: boolean): Record<string, Json> {
  const merged: Record<string, Json> = { ...original };
  for (const [field, value] of Object.entries(patch)) {
    if (value === null && !keepNull) delete merged[field];
    else merged[field] = mergeValue(field, merged[field], value, keepNull);
  }
  return merged;
}

function mergeValue(field: string, original: Json, patch: Json, keepNull: boolean): Json {
  const key = MERGE_KEYS[field];
  if (Array.isArray(patch)) {
    const entries = patch.filter(isObject);
    if (key === undefined || entries.length < patch.length) return patch;
    return mergeList(field, key, Array.isArray(original) ? original : [], entries, keepNull);
  }
  return isObject(patch) ? merge(isObject(original) ? original : {}, patch, keepNull) : patch;
}

function mergeList(
  field: string,
  key: string,
  original: readonly Json[],
  patch: readonly object[],
  keepNull: boolean,
): Json[] {
  const keyOf = (entry: Json): Json => (isObject(entry) ? Reflect.get(entry, key) : undefined);
  const merged = [...original];
  for (const entry of patch) {
    const at = merged.findIndex((other) => keyOf(other) !== undefined && keyOf(other) === keyOf(entry));
    const before = merged[at];
    const whole = !isObject(before) || REPLACED_WHOLE.has(field);
    const next = merge(whole ? {} : before, entry, keepNull);
    if (at < 0) merged.push(next);
    else merged[at] = next;
  }
  return merged;
}

function isObject(value: Json): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
