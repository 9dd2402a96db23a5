import { createHash } from 'node:crypto';
import { TENANT_INDEX, TenantFile, TenantIndex } from '@im/contract';
import { type TenantEntry, tenantsFile, withoutKeys, withReferences } from './config.ts';
import { nameOf } from './names.ts';

/**
 * Shards of the settings of tenants, of at most 900 kB each: a ConfigMap holds 1 MiB. Pods mount all of them from their
 * start, so the number is part of their template. A shard without tenants does not exist.
 */
export const TENANT_SHARDS = 16;

/** The shard of a tenant while all have room. */
export function preferredShard(id: string, shards: number): number {
  return createHash('sha256').update(id).digest().readUInt32BE(0) % shards;
}

/** Names of all shards that pods mount. */
export function shardNames(cluster: string): string[] {
  return Array.from({ length: TENANT_SHARDS }, (_, shard) => nameOf.tenantShard(cluster, shard));
}

/** Name of the file of a shard. */
export function shardFile(shard: number): string {
  return `${String(shard).padStart(2, '0')}.json`;
}

/** The tenants of one shard. */
export interface Shard {
  readonly entries: readonly TenantEntry[];
  /** Credentials that they refer to, by key of the Secret of tenants. */
  readonly secrets: Readonly<Record<string, string>>;
}

/** Contents of the objects of all shards. */
export interface ShardObjects {
  readonly index: string;
  /** Texts of {@link shardFile}, by shard; none for an empty one. */
  readonly files: ReadonlyMap<number, string>;
  /** Values of the Secrets, by shard; none for an empty one. */
  readonly secrets: ReadonlyMap<number, Readonly<Record<string, string>>>;
}

/** What the objects of the shards contain now. */
export interface ObservedShards {
  /** Undefined when there is none, or not of this version. */
  readonly index: TenantIndex | undefined;
  readonly files: ReadonlyMap<number, string>;
  readonly secrets: ReadonlyMap<number, Readonly<Record<string, string>>>;
}

/**
 * The contents of the objects of all shards; a pure function. The file of a shard changes, and gets the revision, only
 * when one of its tenants does. Credentials stay as long as a file names them: a process that starts must find them.
 */
export function shardObjects(
  shards: readonly Shard[],
  revision: number,
  observed: ObservedShards,
): ShardObjects {
  const files = new Map<number, string>();
  const secrets = new Map<number, Readonly<Record<string, string>>>();
  const revisions: Record<string, number> = {};
  for (const [shard, { entries, secrets: wanted }] of shards.entries()) {
    const kept = Object.entries(observed.secrets.get(shard) ?? {}).filter(
      ([key]) =>
        wanted[key] === undefined &&
        [...observed.files.values()].some((text) => text.includes(tenantsFile(key))),
    );
    const values = { ...Object.fromEntries(kept), ...wanted };
    if (Object.keys(values).length > 0) secrets.set(shard, values);
    if (entries.length === 0) continue;
    const tenants = entries.map(withReferences);
    const before = observed.files.get(shard);
    const known = before === undefined ? undefined : revisionIn(before);
    const unchanged = known !== undefined && before === textOf({ revision: known, tenants });
    const own = unchanged ? known : revision;
    files.set(shard, textOf({ revision: own, tenants }));
    revisions[shardFile(shard)] = own;
  }
  const index = JSON.stringify({ revision, files: revisions } satisfies TenantIndex);
  return { index, files, secrets };
}

/** The index in the data of a ConfigMap; undefined when it has none. */
export function indexIn(data: Readonly<Record<string, string>> = {}): TenantIndex | undefined {
  return TenantIndex.safeParse(asJson(data[TENANT_INDEX])).data;
}

/** The entries in the file of a shard, without their keys. */
export function entriesIn(file: string): TenantEntry[] {
  const parsed = TenantFile.safeParse(asJson(file));
  return ((parsed.data?.tenants ?? []) as TenantEntry[]).map(withoutKeys);
}

/** It comes first in the text: the rest may be large. */
function revisionIn(file: string): number | undefined {
  const found = /^\{"revision":(\d+),/.exec(file)?.[1];
  return found === undefined ? undefined : Number(found);
}

function textOf({ revision, tenants }: TenantFile): string {
  return JSON.stringify({ revision, tenants });
}

function asJson(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}
