import { keyOf } from '@im/kube';
import type { FoundSecret, Section } from './credentials.ts';
import type { TenantSources } from './entry.ts';
import type { SettingsInForce, StoredEntry } from './settings-in-force.ts';

/** The Secrets that something was made with, by `namespace/name`. */
export type UsedSecrets = ReadonlyMap<string, FoundSecret>;

/** The sources for one tenant. */
export interface RecordedSources {
  readonly sources: TenantSources;
  /** Grows as Secrets are looked up. */
  readonly used: UsedSecrets;
}

/** Sections of one tenant by path; undefined for one that is left out. */
export type Sections = ReadonlyMap<string, Section | undefined>;

interface ClusterSecrets {
  secrets: ReadonlyMap<string, FoundSecret>;
  recover: SettingsInForce;
  /** Sections that are wanted, by tenant ID. */
  readonly kept: Map<string, Sections>;
}

/** Credentials of the tenants of all clusters, as last read. */
export class CredentialSources {
  readonly #clusters = new Map<string, ClusterSecrets>();

  /** @returns whether a Secret has changed. */
  set(cluster: string, secrets: ReadonlyMap<string, FoundSecret>, recover: SettingsInForce): boolean {
    const known = this.#clusters.get(cluster);
    this.#clusters.set(cluster, { secrets, recover, kept: known?.kept ?? new Map() });
    return !isSame(secrets, known?.secrets ?? new Map());
  }

  /** Whether all these Secrets were read, or are known to be missing. */
  covers(cluster: string, keys: Iterable<string>): boolean {
    const secrets = this.#clusters.get(cluster)?.secrets;
    return [...keys].every((key) => secrets?.has(key));
  }

  forget(cluster: string): void {
    this.#clusters.delete(cluster);
  }

  /** Whether these Secrets are unchanged. What is read again is another object. */
  isCurrent(cluster: string, used: UsedSecrets): boolean {
    const secrets = this.#clusters.get(cluster)?.secrets;
    return [...used].every(([name, found]) => secrets?.get(name) === found);
  }

  /** @param namespace of the tenant, the only one whose Secrets it may use. */
  of(cluster: string, namespace: string | undefined): RecordedSources {
    const known = this.#clusters.get(cluster);
    const used = new Map<string, FoundSecret>();
    return {
      sources: {
        lookup: (name) => {
          const key = keyOf({ namespace, name });
          const found = known?.secrets.get(key);
          used.set(key, found);
          return found;
        },
        inForce: (id, path) => {
          const kept = known?.kept.get(id);
          return kept?.has(path) ? kept.get(path) : known?.recover.section(id, path);
        },
      },
      used,
    };
  }

  /** The settings of a tenant as a config has them that was applied. */
  applied(cluster: string, id: string): StoredEntry | undefined {
    return this.#clusters.get(cluster)?.recover.entry(id);
  }

  /** Keeps the sections of a tenant for the time when their credentials are missing. */
  remember(cluster: string, id: string, sections: Sections): void {
    const kept = this.#clusters.get(cluster)?.kept;
    if (sections.size > 0) kept?.set(id, sections);
    else kept?.delete(id);
  }

  /** Drops what is kept of all other tenants. */
  retain(cluster: string, ids: ReadonlySet<string>): void {
    const kept = this.#clusters.get(cluster)?.kept;
    for (const id of kept?.keys() ?? []) if (!ids.has(id)) kept?.delete(id);
  }
}

function isSame(secrets: UsedSecrets, before: UsedSecrets): boolean {
  return (
    secrets.size === before.size &&
    [...secrets].every(([name, found]) => before.has(name) && before.get(name) === found)
  );
}
