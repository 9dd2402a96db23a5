import { type TenantsReport, type TenantsUpdate, tenantHash, tenantsDigest } from '@im/contract';
import { resolved, TENANTS_DIR, type TenantEntry, tenantKeys } from '../../resources/config.ts';

/** The version and the contents of a list of tenants. */
export interface TenantsVersion {
  readonly revision: number;
  /** See `tenantsDigest`. */
  readonly digest: string;
}

/** The list of tenants that all processes of a cluster are to have. */
export interface WantedTenants extends TenantsVersion {
  /** Complete entries, with secrets, by tenant ID. */
  readonly entries: ReadonlyMap<string, Readonly<Record<string, unknown>>>;
  /** Their hashes; see `tenantHash`. */
  readonly hashes: ReadonlyMap<string, string>;
}

/**
 * The wanted list. Its revision is the one before when nothing has changed, and otherwise a higher one, also when the
 * clock of this operator is behind that of the one before it.
 * @param secrets the Secret of tenants.
 */
export function wantedTenants(
  tenants: readonly TenantEntry[],
  secrets: Readonly<Record<string, string>>,
  before: TenantsVersion | undefined,
  now: number,
): WantedTenants {
  const entries = new Map(
    tenants.map((entry) => {
      const keys = tenantKeys(entry.id);
      const complete = resolved(
        entry,
        (file) => secrets[file.slice(TENANTS_DIR.length + 1)] ?? '',
      ) as TenantEntry;
      return [
        entry.id,
        { ...complete, tokenSecret: secrets[keys.token] ?? '', adminSecret: secrets[keys.admin] ?? '' },
      ];
    }),
  );
  const hashes = new Map([...entries].map(([id, entry]) => [id, tenantHash(entry)]));
  const digest = tenantsDigest(hashes);
  const revision = before?.digest === digest ? before.revision : Math.max(now, (before?.revision ?? 0) + 1);
  return { revision, digest, entries, hashes };
}

/** A version as the value of an annotation. */
export function versionText({ revision, digest }: TenantsVersion): string {
  return `${revision} ${digest}`;
}

/** The version in an annotation; undefined for any other text. */
export function parseVersion(text: string | undefined): TenantsVersion | undefined {
  const [, revision, digest] = /^(\d+) ([0-9a-f]+)$/.exec(text ?? '') ?? [];
  return revision === undefined || digest === undefined ? undefined : { revision: Number(revision), digest };
}

/** What turns the list with these hashes into the wanted one. */
export function updateFor(
  { revision, digest, entries, hashes }: WantedTenants,
  from: ReadonlyMap<string, string>,
): TenantsUpdate {
  return {
    revision,
    digest,
    put: [...entries].flatMap(([id, entry]) => (from.get(id) === hashes.get(id) ? [] : [{ ...entry }])),
    remove: [...from.keys()].filter((id) => !entries.has(id)),
  };
}

/** Hashes in a report; undefined when it has none. */
export function hashesOf({ hashes }: TenantsReport): ReadonlyMap<string, string> | undefined {
  return hashes && new Map(Object.entries(hashes));
}
