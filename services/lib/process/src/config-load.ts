import { readFile } from 'node:fs/promises';
import {
  ConfigError,
  type ConfigField,
  checkConfig,
  configFields,
  configHash,
  faultsOfEntry,
  type InvalidTenant,
  maskedTenant,
  parseConfig,
  ServerConfig,
  secretPaths,
  type TenantId,
  Unresolved,
  unusable,
} from '@im/contract';
import { parse as parseYaml, YAMLError } from 'yaml';
import { type DeprecatedVariable, Environment } from './environment.ts';
import { readTenantFiles } from './tenant-files.ts';

/** Where {@link loadConfig} reads from. */
export interface ConfigSource {
  /** YAML file; without one, defaults and environment make the config. */
  readonly file?: string;
  /** The environment. @default that of the process */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Gives the text of the file, and of those that it refers to, instead of the file system. */
  readonly readText?: (path: string) => Promise<string>;
  /** Values that win over everything, by dotted path; flags of a command line. */
  readonly set?: Readonly<Record<string, unknown>>;
  /** Whether the files of `tenantsDir` must have the versions of its index. @default 'any' */
  readonly tenantVersions?: 'match' | 'any';
}

/** A config, and what it was read from. */
export interface LoadedConfig {
  /** Its `tenants` are the valid ones. */
  readonly config: ServerConfig;
  readonly invalidTenants: readonly InvalidTenant[];
  /** Hashes of the entries of tenants; see `tenantHash`. */
  readonly tenantHashes: ReadonlyMap<TenantId, string>;
  /** Names this state of the file and of those that it refers to, except for `tenantsDir`; see {@link configHash}. */
  readonly hash: string;
  /** Names the state of all files, those of `tenantsDir` included. */
  readonly state: string;
  /** All files that were read besides the config file, or could not be read. */
  readonly references: readonly string[];
  /** Environment variables that were read under their former names. */
  readonly deprecated: readonly DeprecatedVariable[];
}

/** Reads files as text, and keeps what was read. */
class Texts {
  readonly read = new Map<string, string>();
  /** The paths that were asked for, those that cannot be read included. */
  readonly asked = new Set<string>();
  readonly #source: ConfigSource;

  constructor(source: ConfigSource) {
    this.#source = source;
  }

  async of(path: string): Promise<string> {
    this.asked.add(path);
    const text = await (this.#source.readText?.(path) ?? readFile(path, 'utf8'));
    this.read.set(path, text);
    return text;
  }
}

/**
 * Reads the config: defaults, then the file, then the environment (`OPENIM_MONGO_URI`, or
 * `OPENIM_MONGO_URI_FILE` for a file with the value), then `set`. Text values in the file may hold
 * `${env:NAME}` and `${file:/path}`.
 * @throws ConfigError that names each field at fault, those of tenants included, and the remedy.
 */
export async function loadConfig(source: ConfigSource = {}): Promise<ServerConfig> {
  const { tree } = await readTree(source);
  return parseConfig(tree, source.file);
}

/**
 * As {@link loadConfig}, but an invalid tenant is refused alone; also returns what the config was read from.
 * @throws ConfigError when anything but a tenant is at fault.
 */
export async function readConfig(source: ConfigSource = {}): Promise<LoadedConfig> {
  const { file } = source;
  const { tree, texts, tenantTexts, environment } = await readTree(source);
  const { config, faults, invalidTenants, tenantHashes } = checkConfig(tree);
  if (!config) throw unusable(file, [...faults, ...invalidTenants.flatMap(faultsOfEntry)]);
  const text = file === undefined ? '' : (texts.read.get(file) ?? '');
  if (file !== undefined) {
    texts.read.delete(file);
    texts.asked.delete(file);
  }
  return {
    config,
    invalidTenants,
    tenantHashes,
    hash: configHash(text, texts.read),
    state: configHash(text, new Map([...texts.read, ...tenantTexts.read])),
    references: [...new Set([...texts.asked, ...tenantTexts.asked])],
    deprecated: environment.deprecated,
  };
}

/** The config to start with. @throws ConfigError also when there are tenants in the file and none is valid. */
export async function readStartConfig(source: ConfigSource = {}): Promise<LoadedConfig> {
  const loaded = await readConfig(source);
  if (loaded.config.tenants.length === 0 && loaded.invalidTenants.length > 0) {
    throw unusable(source.file, loaded.invalidTenants.flatMap(faultsOfEntry));
  }
  return loaded;
}

/** A config before it is checked, and what it was read from. */
interface ReadTree extends Origins {
  readonly tree: Record<string, unknown>;
  /** What was read of tenants in `tenantsDir`. */
  readonly tenantTexts: Texts;
}

async function readTree(source: ConfigSource): Promise<ReadTree> {
  const { file, tenantVersions = 'any' } = source;
  const texts = new Texts(source);
  const tenantTexts = new Texts(source);
  const environment = new Environment(source.env);
  const raw = file === undefined ? {} : await readYaml(file, texts);
  const tree = asRecord(await resolveReferences(raw, { environment, texts }), file);
  for (const field of configFields()) {
    const value = await fromEnvironment(field, { environment, texts });
    if (value !== undefined) setPath(tree, field.path, parseText(field, value));
  }
  for (const [path, value] of Object.entries(source.set ?? {})) setPath(tree, path, value);
  const { tenantsDir: dir, tenants = [] } = tree;
  if (typeof dir === 'string' && dir !== '') {
    if (!Array.isArray(tenants) || tenants.length > 0)
      throw new ConfigError('tenants: cannot be given together with tenantsDir; remove one of them');
    const files = await readTenantFiles(dir, (path) => tenantTexts.of(path), tenantVersions);
    tree.tenants = await resolveReferences(files.tenants, { environment, texts: tenantTexts });
    tree.tenantsRevision = files.revision;
  }
  return { tree, texts, tenantTexts, environment };
}

/**
 * The {@link LoadedConfig.state} that the files have now; a file of `references` that cannot be read is as if
 * it were not named. @throws when the config file cannot be read.
 */
export async function hashOfFiles(source: ConfigSource, references: readonly string[]): Promise<string> {
  const texts = new Texts(source);
  for (const path of references) await texts.of(path).catch(() => undefined);
  const text = source.file === undefined ? '' : await new Texts(source).of(source.file);
  return configHash(text, texts.read);
}

/** The config with every secret masked, for printing. */
export function redactConfig(config: ServerConfig): unknown {
  const secrets = secretPaths(ServerConfig);
  const mask = (value: unknown, path: string): unknown => {
    if (typeof value === 'string') return secrets.has(path) ? maskText(value) : value;
    if (Array.isArray(value)) return value.map((item) => mask(item, path));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, child]) => [
        name,
        mask(child, path === '' ? name : `${path}.${name}`),
      ]),
    );
  };
  const { tenants, ...rest } = config;
  return { ...Object(mask(rest, '')), tenants: tenants.map(maskedTenant) };
}

/** Of a URL only the credentials are hidden; other secrets entirely. */
function maskText(value: string): string {
  if (value === '') return value;
  if (value.includes('://')) return value.replace(/(:\/\/)[^@/]*@/, '$1***@');
  return '***';
}

async function readYaml(file: string, texts: Texts): Promise<unknown> {
  const text = await texts.of(file).catch((error: unknown) => {
    throw new ConfigError(`cannot read the config file ${file}`, { cause: error });
  });
  try {
    return parseYaml(text, { logLevel: 'error', prettyErrors: false }) ?? {};
  } catch (error) {
    throw new ConfigError(`${file} is not YAML: ${describeYamlError(error, text)}`);
  }
}

/** Where the fault is and its kind; the parser's own words quote the file, and with it secrets. */
function describeYamlError(error: unknown, text: string): string {
  if (!(error instanceof YAMLError)) {
    return 'an alias or tag cannot be resolved; put texts that begin with *, & or ! into quotes';
  }
  const lines = text.slice(0, error.pos[0]).split('\n');
  const kind = error.code.toLowerCase().replaceAll('_', ' ');
  return `${kind} at line ${lines.length}, column ${(lines.at(-1)?.length ?? 0) + 1}`;
}

/** What values may come from. */
interface Origins {
  readonly environment: Environment;
  readonly texts: Texts;
}

const REFERENCE = /\$\{(env|file):([^}]+)\}/g;

/** Puts what references lead to in their place, or an {@link Unresolved} that says why there is nothing. */
async function resolveReferences(value: unknown, origins: Origins): Promise<unknown> {
  if (typeof value === 'string') return resolveText(value, origins);
  if (Array.isArray(value)) return Promise.all(value.map((item) => resolveReferences(item, origins)));
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).map(
      async ([key, child]) => [key, await resolveReferences(child, origins)] as const,
    );
    return Object.fromEntries(await Promise.all(entries));
  }
  return value;
}

async function resolveText(value: string, origins: Origins): Promise<string | Unresolved> {
  let text = value;
  for (const [whole, kind, name] of value.matchAll(REFERENCE)) {
    if (name === undefined) continue;
    const found = kind === 'env' ? fromVariable(name, whole, origins) : await fromFile(name, origins);
    if (found instanceof Unresolved) return found;
    text = text.replace(whole, () => found);
  }
  return text;
}

function fromVariable(name: string, whole: string, { environment }: Origins): string | Unresolved {
  return environment.get(name) ?? new Unresolved(`the environment has no ${name}; set it or remove ${whole}`);
}

async function fromFile(file: string, { texts }: Origins): Promise<string | Unresolved> {
  try {
    return withoutLineEnd(await texts.of(file));
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? ` (${error.code})` : '';
    return new Unresolved(`cannot read the file ${file}${code}; create it or correct its path`);
  }
}

function withoutLineEnd(text: string): string {
  return text.replace(/\r?\n$/, '');
}

async function readSecret(file: string, field: string, { texts }: Origins): Promise<string> {
  const text = await texts.of(file).catch((error: unknown) => {
    throw new ConfigError(`${field}: cannot read the file ${file}`, { cause: error });
  });
  return withoutLineEnd(text);
}

async function fromEnvironment(
  { env, formerEnv }: ConfigField,
  origins: Origins,
): Promise<string | undefined> {
  const { environment } = origins;
  const value = environment.get(env, formerEnv);
  if (value !== undefined) return value;
  const file = environment.get(`${env}_FILE`, `${formerEnv}_FILE`);
  return file === undefined ? undefined : readSecret(file, `${env}_FILE`, origins);
}

/** A text of the environment as the field's kind of value; what does not fit is left to the schema to refuse. */
function parseText(field: ConfigField, text: string): unknown {
  if (field.type === 'string') return text;
  if (field.type === 'list of string' && !text.startsWith('[')) {
    return text.split(',').map((part) => part.trim());
  }
  try {
    return parseYaml(text);
  } catch {
    return text;
  }
}

function setPath(tree: Record<string, unknown>, path: string, value: unknown): void {
  const keys = path.split('.');
  const last = keys.pop();
  if (last === undefined) return;
  let node = tree;
  for (const key of keys) {
    node[key] ??= {};
    node = asRecord(node[key], path);
  }
  node[last] = value;
}

function asRecord(value: unknown, where = 'the config'): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  const kind = Array.isArray(value) ? 'a list' : `a ${typeof value}`;
  throw new ConfigError(`${where}: expected a mapping of settings, got ${kind}`);
}
