import { checkTenants } from '@im/contract';
import { credentialKey, tenantsFile } from '../../resources/config.ts';
import {
  type SecretReference,
  secretReferencesIn,
  settingsOfSection,
} from '../../resources/secret-references.ts';
import type { Refusal } from '../cluster/observation/observation.ts';

/** Contents of a Secret of users. */
export type SecretContents = Readonly<Record<string, string>>;

/** A Secret that tenants refer to: undefined when there is none, `cluster` when it belongs to the cluster. */
export type FoundSecret = SecretContents | 'cluster' | undefined;

/** Finds a Secret by name. */
export type SecretLookup = (name: string) => FoundSecret;

/** A section of a tenant's settings that may have credentials: `webhooks`, or a provider such as `push.providers.fcm`. */
export interface Section {
  /** Settings, with references to keys of the Secret of tenants in place of credentials. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** The credentials, by those keys. */
  readonly secrets: Readonly<Record<string, string>>;
}

/** A section whose credentials were looked up. */
export type ResolvedSection = Section | { readonly refusal: Refusal };

/**
 * Looks up the credentials of a section. A Secret or key that is missing, or a value that the services would reject,
 * refuses the section as a whole.
 * @param path of the section below `spec`. @param spec the section as the resource has it.
 */
export function resolveSection(
  id: string,
  path: string,
  spec: object,
  lookup: SecretLookup,
): ResolvedSection {
  const values = new Map<string, string>();
  for (const reference of secretReferencesIn(spec)) {
    const found = credentialIn(reference, path, lookup);
    if (typeof found !== 'string') return { refusal: found };
    values.set(reference.setting, found);
  }
  const rejected = rejectedIn(path, spec, values);
  if (rejected) return { refusal: rejected };
  const keyOf = (setting: string) => credentialKey(id, `${path}.${setting}`);
  return {
    settings: settingsOfSection(spec, (setting) => tenantsFile(keyOf(setting))),
    secrets: Object.fromEntries([...values].map(([setting, value]) => [keyOf(setting), value])),
  };
}

function credentialIn(
  { field, name, key }: SecretReference,
  path: string,
  lookup: SecretLookup,
): string | Refusal {
  const at = `spec.${path}.${field}`;
  const data = lookup(name);
  if (data === 'cluster') {
    const message = `${at}: Secret ${name} belongs to the OpenIMCluster and holds no credentials for tenants; refer to another Secret`;
    return { reason: 'SecretNotAllowed', message };
  }
  if (data === undefined) {
    const message = `${at}: Secret ${name} does not exist in this namespace; create it, or correct the name`;
    return { reason: 'SecretMissing', message };
  }
  // Processes read files without their last line end.
  const value = data[key]?.replace(/[\r\n]+$/, '') ?? '';
  if (value !== '') return value;
  const keys = Object.keys(data).sort().slice(0, LISTED).join(', ') || 'none';
  const message = `${at}: Secret ${name} has no value under key ${key} (its keys: ${keys}); add it, or refer to another key`;
  return { reason: 'SecretKeyMissing', message };
}

/** Most keys in one message. */
const LISTED = 20;

/** Why the services would reject one of the values; what else is wrong with the section is not looked at. */
function rejectedIn(path: string, spec: object, values: ReadonlyMap<string, string>): Refusal | undefined {
  const settings = settingsOfSection(spec, (setting) => values.get(setting) ?? '');
  // Clusters have the settings of a tenant under another name.
  const inEntry = path.replace(/^offlinePush/, 'push');
  const entry = { id: 'a', tokenSecret: 'set', adminSecret: 'set', ...nested(inEntry, settings) };
  const faults = checkTenants([entry]).invalid.flatMap((each) => each.faults);
  for (const { field, setting, name, key } of secretReferencesIn(spec)) {
    const fault = faults.find((each) => each.field === `${inEntry}.${setting}`);
    if (!fault) continue;
    const message = `spec.${path}.${field}: the value of key ${key} in Secret ${name} is invalid (${fault.reason}); correct it`;
    return { reason: 'SecretInvalid', message };
  }
  return undefined;
}

/** A tree with a value at a dotted path. */
function nested(path: string, value: unknown): Readonly<Record<string, unknown>> {
  return path.split('.').reduceRight<unknown>((below, name) => ({ [name]: below }), value) as Readonly<
    Record<string, unknown>
  >;
}
