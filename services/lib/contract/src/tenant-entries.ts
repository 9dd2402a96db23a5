import type { z } from 'zod';
import { isTenantId, type TenantId } from './tenant.ts';
import { TenantSettings } from './tenant-settings.ts';
import { tenantHash } from './tenant-updates.ts';

/** What is wrong with one setting. Never quotes the value, which may be a secret. */
export interface ConfigFault {
  /** Dotted path, such as `quotas.users`; empty for the whole. */
  readonly field: string;
  /** What is wrong, and what it should be. */
  readonly reason: string;
}

/** An entry of `tenants` that is refused. */
export interface InvalidTenant {
  /** Place in the list, from 0; undefined when it is refused for what the process has in force. */
  readonly index?: number;
  /** The tenant that the entry names; undefined when it names none that could exist. */
  readonly id: TenantId | undefined;
  /** Whether it is the first entry of that tenant. */
  readonly first: boolean;
  /** The host names that it claims, as far as they can be read. */
  readonly hosts: readonly string[];
  /** Whether it asks for the tenant's suspension. */
  readonly suspended: boolean;
  readonly faults: readonly ConfigFault[];
}

/** The entries of `tenants`, the valid apart from the invalid. */
export interface TenantEntries {
  readonly valid: readonly TenantSettings[];
  readonly invalid: readonly InvalidTenant[];
}

/** Entries that were judged, and the hash of the first entry of every tenant, valid or not. */
export interface CheckedTenants extends TenantEntries {
  readonly hashes: ReadonlyMap<TenantId, string>;
}

/** Stands in a tree of settings for a reference, such as `${file:/path}`, that led to nothing. */
export class Unresolved {
  readonly reason: string;

  constructor(reason: string) {
    this.reason = reason;
  }
}

/**
 * Judges each entry by itself. Of two entries with the same id or host the first has it, valid or not, and
 * the later one is refused: so a mistake in one entry never gives its clients to another.
 */
export function checkTenants(entries: readonly unknown[]): CheckedTenants {
  const valid: TenantSettings[] = [];
  const invalid: InvalidTenant[] = [];
  const ids = new Map<TenantId, number>();
  const hashes = new Map<TenantId, string>();
  const hostOwners = new Map<string, number>();
  for (const [index, entry] of entries.entries()) {
    const { id, hosts, suspended } = claimsOf(entry);
    const first = id !== undefined && !ids.has(id);
    const faults: ConfigFault[] = [];
    if (id !== undefined && !first) {
      faults.push({ field: 'id', reason: `is also that of entry ${ids.get(id)}; remove one of the two` });
    }
    for (const host of hosts) {
      const owner = hostOwners.get(host) ?? index;
      if (owner !== index) {
        faults.push({ field: 'hosts', reason: `${printable(host)} belongs to entry ${owner} already` });
      }
    }
    const settings = checkEntry(entry, faults);
    if (settings) valid.push(settings);
    else invalid.push({ index, id, first, hosts, suspended, faults });
    if (id !== undefined && first) {
      ids.set(id, index);
      hashes.set(id, tenantHash(entry));
    }
    for (const host of hosts) if (!hostOwners.has(host)) hostOwners.set(host, index);
  }
  return { valid, invalid, hashes };
}

/**
 * What a running process serves when it reads these entries: a tenant in force whose entry is invalid keeps
 * the settings that it has, but for a suspension, which an invalid entry may ask for. A valid entry that
 * claims a host of such a tenant is refused like an invalid one, as the host's clients have the other's tokens.
 */
export function keepLastValid(entries: TenantEntries, inForce: readonly TenantSettings[]): TenantEntries {
  const before = new Map(inForce.map((settings) => [settings.id, settings]));
  const invalid = [...entries.invalid];
  let valid = [...entries.valid];
  const kept = new Map<TenantId, TenantSettings>();
  const keep = ({ id, first, suspended }: InvalidTenant) => {
    const last = id !== undefined && first ? before.get(id) : undefined;
    if (last) kept.set(last.id, suspended ? { ...last, suspended } : last);
  };
  for (const entry of invalid) keep(entry);
  // Each round that finds a clash keeps one tenant more, so the rounds end.
  for (let clash = true; clash; ) {
    clash = false;
    const owners = new Map([...kept.values()].flatMap(({ id, hosts }) => hosts.map((host) => [host, id])));
    valid = valid.filter((settings) => {
      const host = settings.hosts.find((name) => owners.has(name));
      if (host === undefined) return true;
      clash = true;
      const reason = `${printable(host)} stays with tenant ${owners.get(host)} until the entry of that tenant is valid`;
      const { id, hosts, suspended } = settings;
      const refused = { id, first: true, hosts, suspended, faults: [{ field: 'hosts', reason }] };
      invalid.push(refused);
      keep(refused);
      return false;
    });
  }
  return { valid: [...valid, ...kept.values()], invalid };
}

/** The references in a tree that led to nothing, each as the fault of its field. */
function unresolvedIn(tree: unknown, path: readonly string[] = []): ConfigFault[] {
  if (tree instanceof Unresolved) return [{ field: path.join('.'), reason: tree.reason }];
  if (typeof tree !== 'object' || tree === null) return [];
  return Object.entries(tree).flatMap(([key, child]) => unresolvedIn(child, [...path, printable(key)]));
}

/** What is wrong with a tree: references that led to nothing, and what the schema has against all else. */
export function faultsOf(tree: unknown, error: z.ZodError | undefined): ConfigFault[] {
  const unresolved = unresolvedIn(tree);
  const within = (field: string, outer: string) =>
    outer === '' || field === outer || field.startsWith(`${outer}.`);
  const issues = (error?.issues ?? [])
    .map(faultOf)
    .filter(({ field }) => !unresolved.some((fault) => within(field, fault.field)));
  return [...unresolved, ...issues];
}

/** Says what a schema has against a value, without quoting the value or a key that may be a misplaced one. */
function faultOf(issue: z.core.$ZodIssue): ConfigFault {
  const field = issue.path.map((key) => (typeof key === 'string' ? printable(key) : String(key))).join('.');
  if (issue.code === 'unrecognized_keys') {
    const names = issue.keys.map((key) => printable(key, /^[A-Za-z]*/)).join(', ');
    return { field, reason: `${names} is not a setting here; remove it or correct its name` };
  }
  if (issue.code === 'invalid_key') return { field, reason: issue.issues[0]?.message ?? issue.message };
  const missing = issue.code === 'invalid_type' && issue.message.endsWith('received undefined');
  return { field, reason: missing ? 'is missing; set it' : issue.message };
}

/** Longest part of a name in the config that errors repeat. */
const PRINTED_CHARACTERS = 64;

/** The beginning of a name, up to what names have not: `tokenSecret:abc` is a setting without its space. */
function printable(name: string, usual = /^[\w.-]*/): string {
  const plain = usual.exec(name)?.[0].slice(0, PRINTED_CHARACTERS) ?? '';
  return plain === name ? name : `${plain}…`;
}

/** Adds what is wrong with the entry alone to `faults`. @returns its settings when there is no fault. */
function checkEntry(entry: unknown, faults: ConfigFault[]): TenantSettings | undefined {
  const result = TenantSettings.safeParse(entry);
  faults.push(...faultsOf(entry, result.error));
  return faults.length === 0 ? result.data : undefined;
}

/** What an entry claims, as far as it can be read. */
function claimsOf(entry: unknown): Pick<InvalidTenant, 'id' | 'hosts' | 'suspended'> {
  if (typeof entry !== 'object' || entry === null) return { id: undefined, hosts: [], suspended: false };
  const { id, hosts, suspended }: Record<string, unknown> = { ...entry };
  const names = Array.isArray(hosts) ? hosts.filter((host) => typeof host === 'string') : [];
  return {
    id: typeof id === 'string' && isTenantId(id) ? id : undefined,
    hosts: [...new Set(names.map((host) => host.toLowerCase()))],
    suspended: suspended === true,
  };
}
