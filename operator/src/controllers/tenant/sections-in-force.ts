import { parse } from 'yaml';
import { resolved, TENANTS_DIR, type TenantEntry } from '../../resources/config.ts';
import type { Section } from './credentials.ts';

/** A section of a tenant's settings as it is in force; undefined when there is none. */
export type SectionsInForce = (id: string, path: string) => Section | undefined;

/**
 * Finds sections in the newest config of a cluster. It is parsed when a section is asked for the first time, which takes
 * long with many tenants.
 * @param configs texts with references to files. @param secretOf the Secret of tenants.
 */
export function sectionsInForce(
  configs: Iterable<string>,
  secretOf: () => Readonly<Record<string, string>>,
): SectionsInForce {
  let tenants: ReadonlyMap<string, TenantEntry> | undefined;
  return (id, path) => {
    tenants ??= newestTenants(configs);
    let node: unknown = tenants.get(id);
    for (const name of path.split('.')) node = (node as Record<string, unknown> | undefined)?.[name];
    if (typeof node !== 'object' || node === null) return undefined;
    const secrets = secretOf();
    const used: Record<string, string> = {};
    let complete = true;
    resolved(node, (file) => {
      const key = file.startsWith(`${TENANTS_DIR}/`) ? file.slice(TENANTS_DIR.length + 1) : '';
      const value = secrets[key];
      if (value === undefined) complete = false;
      else used[key] = value;
      return '';
    });
    return complete ? { settings: node as Section['settings'], secrets: used } : undefined;
  };
}

/** Tenants by ID, of the config with the highest revision of its list. */
function newestTenants(configs: Iterable<string>): ReadonlyMap<string, TenantEntry> {
  const revisionOf = (text: string) => Number(/^tenantsRevision: (\d+)$/m.exec(text)?.[1] ?? 0);
  const [newest] = [...configs].sort((a, b) => revisionOf(b) - revisionOf(a));
  const { tenants } = (newest === undefined ? {} : parse(newest)) as {
    readonly tenants?: readonly TenantEntry[];
  };
  return new Map((tenants ?? []).map((entry) => [entry.id, entry]));
}
