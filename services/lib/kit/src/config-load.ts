import { readFile } from 'node:fs/promises';
import { parse as parseYaml, YAMLError } from 'yaml';
import type { z } from 'zod';
import { ServerConfig } from './config.ts';
import { type ConfigField, configFields } from './config-fields.ts';

/** A config that cannot be used. The message names every field at fault and what it should be. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** Where {@link loadConfig} reads from. */
export interface ConfigSource {
  /** YAML file; without one, defaults and environment make the config. */
  readonly file?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Values that win over everything, by dotted path; flags of a command line. */
  readonly set?: Readonly<Record<string, unknown>>;
}

/**
 * Reads the config: defaults, then the file, then the environment (`IM_MONGO_URI`, or
 * `IM_MONGO_URI_FILE` for a file with the value), then `set`. Text values in the file may hold
 * `${env:NAME}` and `${file:/path}`.
 * @throws ConfigError that names each field at fault and the remedy.
 */
export async function loadConfig(source: ConfigSource = {}): Promise<ServerConfig> {
  const env = source.env ?? process.env;
  const raw = source.file === undefined ? {} : await readYaml(source.file);
  const tree = asRecord(await resolveReferences(raw, [], env), source.file);
  for (const field of configFields()) {
    const value = await fromEnvironment(field.env, env);
    if (value !== undefined) setPath(tree, field.path, parseText(field, value));
  }
  for (const [path, value] of Object.entries(source.set ?? {})) setPath(tree, path, value);
  return parseConfig(tree, source.file);
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

async function readYaml(file: string): Promise<unknown> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new ConfigError(`cannot read the config file ${file}`, { cause: error });
  });
  try {
    return parseYaml(text) ?? {};
  } catch (error) {
    if (error instanceof YAMLError) throw new ConfigError(`${file} is not YAML: ${error.message}`);
    throw error;
  }
}

const REFERENCE = /\$\{(env|file):([^}]+)\}/g;

async function resolveReferences(
  value: unknown,
  path: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<unknown> {
  if (typeof value === 'string') {
    let text = value;
    for (const [whole, kind, name] of value.matchAll(REFERENCE)) {
      if (name === undefined) continue;
      const found = kind === 'env' ? env[name] : await readSecret(name, path.join('.'));
      if (found === undefined) {
        throw new ConfigError(`${path.join('.')}: the environment has no ${name}; set it or remove ${whole}`);
      }
      text = text.replace(whole, () => found);
    }
    return text;
  }
  if (Array.isArray(value)) {
    return Promise.all(value.map((item, i) => resolveReferences(item, [...path, String(i)], env)));
  }
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).map(
      async ([key, child]) => [key, await resolveReferences(child, [...path, key], env)] as const,
    );
    return Object.fromEntries(await Promise.all(entries));
  }
  return value;
}

async function readSecret(file: string, field: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new ConfigError(`${field}: cannot read the file ${file}`, { cause: error });
  });
  return text.replace(/\r?\n$/, '');
}

async function fromEnvironment(
  name: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string | undefined> {
  const file = env[`${name}_FILE`];
  if (env[name] !== undefined) return env[name];
  return file === undefined ? undefined : readSecret(file, `${name}_FILE`);
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
