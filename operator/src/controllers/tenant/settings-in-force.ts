import { parse } from 'yaml';
import { resolved, TENANTS_DIR, type TenantEntry, withoutKeys } from '../../resources/config.ts';
import { entriesIn, type ObservedShards } from '../../resources/tenant-shards.ts';
import type { Section } from './credentials.ts';

/** A section of a tenant's settings as it is in force; undefined when there is none. */
export type SectionsInForce = (id: string, path: string) => Section | undefined;

/** The settings of a tenant as they are in force. */
export interface EntryInForce {
  readonly entry: TenantEntry;
  /** Credentials that the entry refers to, by key of the Secret of tenants. */
  readonly secrets: Readonly<Record<string, string>>;
}

/** The same as found in the objects of a cluster. */
export interface StoredEntry extends EntryInForce {
  /** Undefined where it is part of a config. */
  readonly shard: number | undefined;
}

/** Where the newest list of tenants may be. */
export interface StoredTenants {
  /** Texts of configs, with references to files. */
  readonly configs: Iterable<string>;
  readonly shards: Pick<ObservedShards, 'index' | 'files'>;
}

/** The objects of a cluster without tenants. */
export const NO_TENANTS: StoredTenants = { configs: [], shards: { index: undefined, files: new Map() } };

/** What the processes of a cluster were last given. */
export interface SettingsInForce {
  readonly section: SectionsInForce;
  /** Undefined for a tenant that has no settings, or whose credentials are lost. */
  readonly entry: (id: string) => StoredEntry | undefined;
}

/**
 * Finds settings in the newest list of tenants of a cluster. It is parsed when it is asked for the first time, which takes
 * long with many tenants.
 * @param secretOf the Secrets of tenants.
 */
export function settingsInForce(
  stored: StoredTenants,
  secretOf: () => Readonly<Record<string, string>>,
): SettingsInForce {
  let tenants: ReadonlyMap<string, ShardEntry> | undefined;
  let secrets: Readonly<Record<string, string>> | undefined;
  const entryOf = (id: string) => {
    tenants ??= newestTenants(stored);
    return tenants.get(id);
  };
  /** The credentials to which a tree refers; undefined when one of them is lost. */
  const secretsOf = (tree: unknown): Record<string, string> | undefined => {
    secrets ??= secretOf();
    const known = secrets;
    const used: Record<string, string> = {};
    let complete = true;
    resolved(tree, (file) => {
      const key = file.startsWith(`${TENANTS_DIR}/`) ? file.slice(TENANTS_DIR.length + 1) : '';
      const value = known[key];
      if (value === undefined) complete = false;
      else used[key] = value;
      return '';
    });
    return complete ? used : undefined;
  };
  return {
    section(id, path) {
      let node: unknown = entryOf(id)?.entry;
      for (const name of path.split('.')) node = (node as Record<string, unknown> | undefined)?.[name];
      if (typeof node !== 'object' || node === null) return undefined;
      const used = secretsOf(node);
      return used && { settings: node as Section['settings'], secrets: used };
    },
    entry(id) {
      const found = entryOf(id);
      const used = found && secretsOf(found.entry);
      return found && used && { ...found, secrets: used };
    },
  };
}

type ShardEntry = Pick<StoredEntry, 'entry' | 'shard'>;

/** Tenants by ID without their keys, of the list with the highest revision. */
function newestTenants({ configs, shards }: StoredTenants): ReadonlyMap<string, ShardEntry> {
  const revisionOf = (text: string) => Number(/^tenantsRevision: (\d+)$/m.exec(text)?.[1] ?? 0);
  const [newest] = [...configs].sort((a, b) => revisionOf(b) - revisionOf(a));
  const { index, files } = shards;
  const entries =
    index && index.revision >= revisionOf(newest ?? '')
      ? [...files].flatMap(([shard, text]) => entriesIn(text).map((entry) => ({ entry, shard })))
      : tenantsIn(newest).map((entry) => ({ entry, shard: undefined }));
  return new Map(entries.map((each) => [each.entry.id, each]));
}

function tenantsIn(config: string | undefined): TenantEntry[] {
  const { tenants } = (config === undefined ? {} : parse(config)) as {
    readonly tenants?: readonly TenantEntry[];
  };
  return (tenants ?? []).map(withoutKeys);
}
