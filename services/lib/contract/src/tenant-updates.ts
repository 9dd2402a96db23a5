import { createHash } from 'node:crypto';
import { z } from 'zod';
import { TENANT_ID_PATTERN } from './tenant.ts';

/** Length of the hashes here, in hex digits. */
const DIGITS = 16;

/** Identifies the entry of a tenant, its references resolved, by its contents; the order of its keys does not count. */
export function tenantHash(entry: unknown): string {
  return createHash('sha256').update(canonical(entry)).digest('hex').slice(0, DIGITS);
}

/** Identifies a list of tenants by the hashes of their entries. */
export function tenantsDigest(hashes: ReadonlyMap<string, string>): string {
  const hash = createHash('sha256');
  for (const id of [...hashes.keys()].sort()) hash.update(`${id} ${hashes.get(id)}\n`);
  return hash.digest('hex').slice(0, DIGITS);
}

/**
 * Body of `POST /tenants` on the ops port: what a process changes in its list of tenants. The result must be the list
 * with this digest; otherwise nothing is changed, and the answer (409) has the hashes that the process has.
 */
export const TenantsUpdate = z.strictObject({
  /** Version of the list. A process does not go back to a lower one, nor does it read one from its config file. */
  revision: z.int().min(1),
  digest: z.string().min(1),
  /** Entries to add or replace, with secrets in place of references. */
  put: z.array(z.record(z.string(), z.unknown())),
  /** IDs of tenants to remove. */
  remove: z.array(z.string().regex(TENANT_ID_PATTERN)),
});
export type TenantsUpdate = z.infer<typeof TenantsUpdate>;

/** Answer of `POST /tenants`: the list that the process has. */
export interface TenantsReport {
  readonly revision: number;
  readonly digest: string;
  /** Hash of each tenant's entry, by ID; absent after an update that succeeded. */
  readonly hashes?: Readonly<Record<string, string>>;
  /** Tenants whose entries are invalid for this process, with the reason. */
  readonly refused: Readonly<Record<string, string>>;
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const entries = Object.entries(value)
    .filter(([, child]) => child !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, child]) => `${JSON.stringify(key)}:${canonical(child)}`).join(',')}}`;
}
