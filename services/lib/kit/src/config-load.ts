import { readFile } from 'node:fs/promises';
import { parse as parseYaml, YAMLError } from 'yaml';
import type { z } from 'zod';
import { ServerConfig } from './config.ts';
import { type ConfigField, configFields } from './config-fields.ts';
import { configHash } from './config-hash.ts';

/** A config that cannot be used. The message names every field at fault and what it should be. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** Where {@link loadConfig} reads from. */
export interface ConfigSource {
  /** YAML file; without one, defaults and environment make the config. */
  readonly file?: string;
  /** The environment; the process's own unless told. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Gives the text of the file, and of those that it refers to, instead of the file system. */
  readonly readText?: (path: string) => Promise<string>;
  /** Values that win over everything, by dotted path; flags of a command line. */
  readonly set?: Readonly<Record<string, unknown>>;
}

/** A config, and what it was read from. */
export interface LoadedConfig {
  readonly config: ServerConfig;
  /** Names this state of the file and of those that it refers to; see {@link configHash}. */
  readonly hash: string;
  /** The files that the config or the environment refers to. */
  readonly references: readonly string[];
}

/** Reads files as text, and keeps what was read. */
class Texts {
  readonly read = new Map<string, string>();
  readonly #source: ConfigSource;

  constructor(source: ConfigSource) {
    this.#source = source;
  }

  async of(path: string): Promise<string> {
    const text = await (this.#source.readText?.(path) ?? readFile(path, 'utf8'));
    this.read.set(path, text);
    return text;
  }
}

/**
 * Reads the config: defaults, then the file, then the environment (`IM_MONGO_URI`, or
 * `IM_MONGO_URI_FILE` for a file with the value), then `set`. Text values in the file may hold
 * `${env:NAME}` and `${file:/path}`.
 * @throws ConfigError that names each field at fault and the remedy.
 */
export async function loadConfig(source: ConfigSource = {}): Promise<ServerConfig> {
  return (await readConfig(source)).config;
}

/** As {@link loadConfig}, and tells what the config was read from. @throws ConfigError */
export async function readConfig(source: ConfigSource = {}): Promise<LoadedConfig> {
  const { file, env = process.env } = source;
  const texts = new Texts(source);
  const raw = file === undefined ? {} : await readYaml(file, texts);
  const tree = asRecord(await resolveReferences(raw, [], { env, texts }), file);
  for (const field of configFields()) {
    const value = await fromEnvironment(field.env, { env, texts });
    if (value !== undefined) setPath(tree, field.path, parseText(field, value));
  }
  for (const [path, value] of Object.entries(source.set ?? {})) setPath(tree, path, value);
  const config = parseConfig(tree, file);
  const text = file === undefined ? '' : (texts.read.get(file) ?? '');
  if (file !== undefined) texts.read.delete(file);
  return { config, hash: configHash(text, texts.read), references: [...texts.read.keys()] };
}

/** The {@link LoadedConfig.hash} that the files have now. @throws when one of them cannot be read. */
export async function hashOfFiles(source: ConfigSource, references: readonly string[]): Promise<string> {
  const texts = new Texts(source);
  for (const path of references) await texts.of(path);
  const text = source.file === undefined ? '' : await new Texts(source).of(source.file);
  return configHash(text, texts.read);
}

/** Checks a config and fills in its defaults. @throws ConfigError that names each field at fault. */
export function parseConfig(value: unknown, file?: string): ServerConfig {
  const result = ServerConfig.safeParse(value);
  if (result.success) return result.data;
  const lines = result.error.issues.map((issue) => `${issue.path.join('.') || 'config'}: ${remedy(issue)}`);
  throw new ConfigError(`${file ?? 'the config'} cannot be used:\n  ${lines.join('\n  ')}`);
}

function remedy(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') {
    return `${issue.keys.join(', ')} is not a setting here; remove it or correct its name`;
  }
  return issue.message;
}

/** The config with every secret masked, for printing. */
export function redactConfig(config: ServerConfig): unknown {
  const secrets = new Set(['tokenSecret', 'adminSecret']);
  for (const field of configFields()) if (field.secret) secrets.add(field.path);
  const mask = (value: unknown, path: string): unknown => {
    const key = path.slice(path.lastIndexOf('.') + 1);
    if (typeof value === 'string') return secrets.has(path) || secrets.has(key) ? maskText(value) : value;
    if (Array.isArray(value)) return value.map((item) => mask(item, path));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, child]) => [
        name,
        mask(child, path === '' ? name : `${path}.${name}`),
      ]),
    );
  };
  return mask(config, '');
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
    return parseYaml(text) ?? {};
  } catch (error) {
    if (error instanceof YAMLError) throw new ConfigError(`${file} is not YAML: ${error.message}`);
    throw error;
  }
}

/** What values may come from. */
interface Origins {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly texts: Texts;
}

const REFERENCE = /\$\{(env|file):([^}]+)\}/g;

async function resolveReferences(
  value: unknown,
  path: readonly string[],
  origins: Origins,
): Promise<unknown> {
  if (typeof value === 'string') {
    let text = value;
    for (const [whole, kind, name] of value.matchAll(REFERENCE)) {
      if (name === undefined) continue;
      const found = kind === 'env' ? origins.env[name] : await readSecret(name, path.join('.'), origins);
      if (found === undefined) {
        throw new ConfigError(`${path.join('.')}: the environment has no ${name}; set it or remove ${whole}`);
      }
      text = text.replace(whole, () => found);
    }
    return text;
  }
  if (Array.isArray(value)) {
    return Promise.all(value.map((item, i) => resolveReferences(item, [...path, String(i)], origins)));
  }
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).map(
      async ([key, child]) => [key, await resolveReferences(child, [...path, key], origins)] as const,
    );
    return Object.fromEntries(await Promise.all(entries));
  }
  return value;
}

async function readSecret(file: string, field: string, { texts }: Origins): Promise<string> {
  const text = await texts.of(file).catch((error: unknown) => {
    throw new ConfigError(`${field}: cannot read the file ${file}`, { cause: error });
  });
  return text.replace(/\r?\n$/, '');
}

async function fromEnvironment(name: string, origins: Origins): Promise<string | undefined> {
  const file = origins.env[`${name}_FILE`];
  if (origins.env[name] !== undefined) return origins.env[name];
  return file === undefined ? undefined : readSecret(file, `${name}_FILE`, origins);
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
  throw new ConfigError(
    `${where}: expected a mapping of settings, got ${JSON.stringify(value)?.slice(0, 80)}`,
  );
}
