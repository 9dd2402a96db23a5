import { randomBytes } from 'node:crypto';
import { chmod, readFile, rename, stat, unlink, writeFile } from 'node:fs/promises';
import { type Document, isMap, isScalar, isSeq, parseDocument, type YAMLMap } from 'yaml';
import { DryRun } from '../dry-run.ts';
import { CommandError, EXIT, usageError } from '../exit-codes.ts';
import type { KeyPurpose, KeyRow } from './rows.ts';

/** Settings of a tenant's keys in a config file. */
const SETTINGS = {
  signing: {
    label: 'Signing',
    first: 'tokenSecret',
    second: 'secondTokenSecret',
    until: 'secondTokenSecretUntil',
    bytes: 32,
  },
  admin: {
    label: 'Admin',
    first: 'adminSecret',
    second: 'secondAdminSecret',
    until: 'secondAdminSecretUntil',
    bytes: 18,
  },
} as const;
const PURPOSES = Object.keys(SETTINGS) as readonly KeyPurpose[];
const FILE_REFERENCE = /^\$\{file:([^}]+)\}$/;

/** The keys of a tenant in a config file, which may be changed. */
export interface ConfigKeys {
  list(now: Date): Promise<KeyRow[]>;
  /**
   * The next step of a rotation: a second key that passes, or, where there is one, its use.
   * @returns what was done.
   * @throws CommandError `refused` while a former key is still accepted.
   */
  rotate(purpose: KeyPurpose, overlapMs: number, now: Date): Promise<'loading' | 'used'>;
  /** Ends a second key. @throws CommandError `usage` for the key in use, or none of the tenant. */
  revoke(id: string, now: Date): Promise<void>;
}

/**
 * Reads a config file. @throws CommandError `usage` for a file without the tenant.
 * @param dryRun changes end in {@link DryRun}, with nothing written. @default false
 */
export async function configKeys(file: string, tenant: string, dryRun = false): Promise<ConfigKeys> {
  const { keyID } = await import('@im/contract');
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw usageError(`--config: ${error instanceof Error ? error.message : error}`);
  }
  const document = parseDocument(text);
  // Texts of the parser quote the file, which has secrets.
  if (document.errors.length > 0)
    throw usageError(`--config: ${file} is not valid YAML; see openimctl config check`);
  const entry = entryOf(document, tenant);
  if (!entry) throw usageError(`--config: ${file} has no tenant ${tenant} in tenants`);

  const textAt = (setting: string): string | undefined => {
    const value = entry.get(setting, true);
    return isScalar(value) && typeof value.value === 'string' ? value.value : undefined;
  };

  async function secretAt(setting: string): Promise<string | undefined> {
    const value = textAt(setting);
    if (value === undefined) return undefined;
    const path = FILE_REFERENCE.exec(value)?.[1];
    if (path !== undefined) return (await readFile(path, 'utf8')).replace(/[\r\n]+$/, '');
    if (value.includes('${'))
      throw usageError(
        `${setting} of tenant ${tenant} is not in a file; write \${file:/path} or the secret itself`,
      );
    return value;
  }

  /** A new secret, kept as the first one is. */
  async function made(purpose: KeyPurpose): Promise<string> {
    const { first, bytes } = SETTINGS[purpose];
    const secret = randomBytes(bytes).toString('hex');
    const path = FILE_REFERENCE.exec(textAt(first) ?? '')?.[1];
    if (path === undefined) return secret;
    const next = `${path.replace(/\.[0-9a-f]{12}$/, '')}.${keyID(secret)}`;
    await writeFile(next, `${secret}\n`, { mode: 0o600, flag: 'wx' });
    return `\${file:${next}}`;
  }

  /** Ends a dry run before anything is written. */
  function begin(would: string, purpose: KeyPurpose): void {
    if (dryRun) throw new DryRun(would, { tenant, purpose: SETTINGS[purpose].label, file });
  }

  async function save(): Promise<void> {
    const temporary = `${file}.${process.pid}.tmp`;
    try {
      await writeFile(temporary, document.toString(), { mode: 0o600 });
      await chmod(temporary, (await stat(file)).mode);
      await rename(temporary, file);
    } catch (error) {
      await unlink(temporary).catch(() => undefined);
      throw new CommandError(EXIT.environment, `${file}: ${error instanceof Error ? error.message : error}`);
    }
  }

  async function rowsOf(purpose: KeyPurpose, now: Date): Promise<KeyRow[]> {
    const { label, first, second, until } = SETTINGS[purpose];
    const [current, other] = [await secretAt(first), await secretAt(second)];
    const end = textAt(until);
    const state = end === undefined ? 'Next' : Date.parse(end) > now.getTime() ? 'Former' : 'Ended';
    return [
      ...(current === undefined
        ? []
        : [{ purpose: label, id: keyID(current), state: 'Current', until: null, age: null }]),
      ...(other === undefined
        ? []
        : [{ purpose: label, id: keyID(other), state, until: end ?? null, age: null }]),
    ];
  }

  return {
    list: async (now) => (await Promise.all(PURPOSES.map((purpose) => rowsOf(purpose, now)))).flat(),
    async rotate(purpose, overlapMs, now) {
      const { first, second, until: ending } = SETTINGS[purpose];
      await secretAt(first);
      const end = textAt(ending);
      const isSecond = textAt(second) !== undefined;
      if (isSecond && end !== undefined && Date.parse(end) > now.getTime())
        throw new CommandError(
          EXIT.refused,
          `the former key is accepted until ${end}, and two pass at most; wait, or end it: openimctl key revoke`,
        );
      if (isSecond && end === undefined) {
        const until = new Date(now.getTime() + overlapMs).toISOString();
        begin(`use the second key, and accept the former one until ${until}`, purpose);
        const [current, next] = [textAt(first), textAt(second)];
        entry.set(first, next);
        entry.set(second, current);
        entry.set(ending, until);
        await save();
        return 'used';
      }
      begin('make a second key, which processes load before it is used', purpose);
      entry.set(second, await made(purpose));
      entry.delete(ending);
      await save();
      return 'loading';
    },
    async revoke(id, now) {
      for (const purpose of PURPOSES) {
        const { first, second, until } = SETTINGS[purpose];
        const [current, other] = [await secretAt(first), await secretAt(second)];
        if (current !== undefined && keyID(current) === id)
          throw usageError(`${id} is in use: rotate it, with --overlap 0, so that another one is used`);
        if (other === undefined || keyID(other) !== id) continue;
        begin(`end the key ${id}`, purpose);
        if (textAt(until) === undefined) entry.delete(second);
        else entry.set(until, now.toISOString());
        await save();
        return;
      }
      throw usageError(`tenant ${tenant} has no key ${id}; openimctl key list shows them`);
    },
  };
}

function entryOf(document: Document, tenant: string): YAMLMap | undefined {
  const tenants = document.get('tenants');
  if (!isSeq(tenants)) return undefined;
  return tenants.items.find((item): item is YAMLMap => isMap(item) && item.get('id') === tenant);
}
