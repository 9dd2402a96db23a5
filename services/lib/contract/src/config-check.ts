import { ServerConfig } from './config.ts';
import type { TenantId } from './tenant.ts';
import { type ConfigFault, checkTenants, faultsOf, type InvalidTenant } from './tenant-entries.ts';

/** A config that cannot be used. The message names every field at fault and what it should be. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/**
 * Checks a config and fills in its defaults.
 * @throws ConfigError that names each field at fault, those of tenants included.
 */
export function parseConfig(value: unknown, file?: string): ServerConfig {
  const { config, faults, invalidTenants } = checkConfig(value);
  if (config && invalidTenants.length === 0) return config;
  throw unusable(file, [...faults, ...invalidTenants.flatMap(faultsOfEntry)]);
}

/** What can be said of a config: the faults of tenants apart from all others, which leave no config. */
export interface CheckedConfig {
  readonly config: ServerConfig | undefined;
  readonly faults: readonly ConfigFault[];
  readonly invalidTenants: readonly InvalidTenant[];
  /** Hashes of the entries of tenants; see `tenantHash`. */
  readonly tenantHashes: ReadonlyMap<TenantId, string>;
}

/** Checks a config without throwing. */
export function checkConfig(value: unknown): CheckedConfig {
  const { entries, rest } = withoutTenants(value);
  const { valid, invalid, hashes } = checkTenants(entries);
  const result = ServerConfig.safeParse(rest);
  const faults = faultsOf(rest, result.error);
  const config = faults.length === 0 && result.data ? { ...result.data, tenants: [...valid] } : undefined;
  return { config, faults, invalidTenants: invalid, tenantHashes: hashes };
}

/** A config apart from its list of tenants; what is in place of a list stays, for the schema to refuse. */
function withoutTenants(value: unknown): { readonly entries: readonly unknown[]; readonly rest: unknown } {
  if (typeof value !== 'object' || value === null || !('tenants' in value))
    return { entries: [], rest: value };
  const { tenants, ...rest } = value;
  return Array.isArray(tenants) ? { entries: tenants, rest } : { entries: [], rest: value };
}

/** The faults of an invalid tenant, each with its place in the config. */
export function faultsOfEntry({ index, id, faults }: InvalidTenant): ConfigFault[] {
  const name = id === undefined ? '' : ` (${id})`;
  return faults.map(({ field, reason }) => ({
    field: `${['tenants', String(index), field].filter((part) => part !== '').join('.')}${name}`,
    reason,
  }));
}

/** An error that lists the faults. */
export function unusable(file: string | undefined, faults: readonly ConfigFault[]): ConfigError {
  const lines = faults.map(({ field, reason }) => `${field || 'config'}: ${reason}`);
  return new ConfigError(`${file ?? 'the config'} cannot be used:\n  ${lines.join('\n  ')}`);
}
