import { usageError } from '../exit-codes.ts';

/** Options that set fields of a tenant's spec. */
export interface SettingsOptions {
  /** `path=value` each. */
  readonly set: readonly string[];
  /** `name=number` each. */
  readonly quota: readonly string[];
  readonly host: readonly string[];
  readonly adminUser: readonly string[];
}

/** Part of a spec; in a change of one, null stands for a field that is removed. */
export type Settings = { [field: string]: unknown };

const FIELD = /^[A-Za-z][A-Za-z0-9]*$/;

/** Sets the field at a path of names with dots between them. @throws CommandError `usage`. */
function put(settings: Settings, option: string, path: string, value: unknown): void {
  const names = path.split('.');
  if (!names.every((name) => FIELD.test(name)))
    throw usageError(`${option}: ${path} is not a path such as quotas.users; a list is set as a whole`);
  const last = names.pop() ?? '';
  let at = settings;
  for (const name of names) {
    const inner = at[name] ?? {};
    if (!isObject(inner)) throw usageError(`${option}: ${path} is below a field that another option sets`);
    at[name] = inner;
    at = inner;
  }
  at[last] = value;
}

function split(option: string, text: string): [name: string, value: string] {
  const [, name, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  if (name === undefined || value === undefined) throw usageError(`${option}: ${text} has no =`);
  return [name.trim(), value];
}

/**
 * What the options set. Values are YAML: `true`, `5`, `[a, b]`, `{ name: x }`.
 * @throws CommandError `usage` that names the option.
 */
export async function settingsOf(options: SettingsOptions): Promise<Settings> {
  const settings: Settings = {};
  if (options.host.length > 0) settings.hosts = [...options.host];
  if (options.adminUser.length > 0) settings.adminUserIDs = [...options.adminUser];
  for (const text of options.quota) {
    const [name, value] = split('--quota', text);
    if (!/^\d+$/.test(value.trim()))
      throw usageError(`--quota: ${name} must be a whole number; 0 is no limit`);
    put(settings, '--quota', `quotas.${name}`, Number(value));
  }
  if (options.set.length === 0) return settings;
  const { parse } = await import('yaml');
  for (const text of options.set) {
    const [path, value] = split('--set', text);
    let parsed: unknown;
    try {
      parsed = parse(value);
    } catch (error) {
      throw usageError(`--set: ${path}: ${error instanceof Error ? error.message : error}`);
    }
    if (parsed === null) throw usageError(`--set: ${path} has no value; --unset removes a field`);
    put(settings, '--set', path, parsed);
  }
  return settings;
}

/** Marks fields as removed. @throws CommandError `usage` for one that is set, too. */
export function unset(settings: Settings, paths: readonly string[]): void {
  for (const path of paths) put(settings, '--unset', path, null);
}

/** A spec with settings put over it, field by field; lists are replaced. */
export function merged(base: Settings, over: Settings): Settings {
  const result = { ...base };
  for (const [field, value] of Object.entries(over)) {
    const known = result[field];
    result[field] = isObject(known) && isObject(value) ? merged(known, value) : value;
  }
  return result;
}

function isObject(value: unknown): value is Settings {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
