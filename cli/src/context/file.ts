import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, posix, win32 } from 'node:path';
import { DryRun } from '../dry-run.ts';
import { CommandError, EXIT, usageError } from '../exit-codes.ts';

/** A server under a name, as the config file keeps it. Files are absolute. */
export interface Context {
  readonly api?: string;
  readonly ws?: string;
  readonly tenant?: string;
  readonly adminUser?: string;
  readonly adminSecret?: string;
  readonly adminSecretFile?: string;
  /** Name of the environment variable with the admin secret. */
  readonly adminSecretEnv?: string;
  readonly dataDir?: string;
  readonly cluster?: string;
  readonly namespace?: string;
  readonly kubeconfig?: string;
  readonly kubeContext?: string;
}

/** Fields of a context in the file; others are refused. */
const CONTEXT_FIELDS = [
  'api',
  'ws',
  'tenant',
  'adminUser',
  'adminSecret',
  'adminSecretFile',
  'adminSecretEnv',
  'dataDir',
  'cluster',
  'namespace',
  'kubeconfig',
  'kubeContext',
] as const satisfies readonly (keyof Context)[];

/** All contexts, and the name of the one that commands use when nothing else names a server. */
export interface Contexts {
  readonly current?: string | undefined;
  readonly contexts: Readonly<Record<string, Context>>;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** What the place of the config file depends on. */
export interface Host {
  readonly platform: NodeJS.Platform;
  readonly env: Environment;
  readonly home: string;
}

const HERE: Host = { platform: process.platform, env: process.env, home: homedir() };

/**
 * The config file: `OPENIM_CTL_CONFIG`, or `openimctl/config.json` in `%APPDATA%` on Windows, and elsewhere in
 * `$XDG_CONFIG_HOME` or `~/.config`.
 */
export function contextsFile({ platform, env, home }: Host = HERE): string {
  if (env.OPENIM_CTL_CONFIG) return env.OPENIM_CTL_CONFIG;
  if (platform === 'win32')
    return win32.join(env.APPDATA || win32.join(home, 'AppData', 'Roaming'), 'openimctl', 'config.json');
  // The specification of XDG has relative paths ignored.
  const base = env.XDG_CONFIG_HOME?.startsWith('/') ? env.XDG_CONFIG_HOME : posix.join(home, '.config');
  return posix.join(base, 'openimctl', 'config.json');
}

/** Longest config file, in bytes. */
const MAX_BYTES = 1_048_576;

/** @throws CommandError `usage` for a file that others can read although it holds a secret, or that is no config file. */
export function readContexts(file: string = contextsFile()): Contexts {
  let text: string;
  try {
    const { size } = statSync(file);
    if (size > MAX_BYTES) throw new Error(`it has ${size} bytes, more than ${MAX_BYTES}`);
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return { contexts: {} };
    throw usageError(
      `${file} (contexts of openimctl) cannot be read: ${error instanceof Error ? error.message : error}`,
    );
  }
  const contexts = checked(file, text);
  if (Object.values(contexts.contexts).some(({ adminSecret }) => adminSecret !== undefined))
    requirePrivate(file);
  return contexts;
}

function requirePrivate(file: string): void {
  if (process.platform === 'win32') return;
  const mode = statSync(file).mode & 0o777;
  if ((mode & 0o077) === 0) return;
  throw usageError(
    `${file} holds a secret and has mode ${mode.toString(8)}, so that others can read it: chmod 600 ${file}`,
  );
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function checked(file: string, text: string): Contexts {
  const fail = (why: string) =>
    usageError(`${file} (contexts of openimctl): ${why}; correct it, or remove it and add contexts again`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    // The message of the parser quotes the text, which may be a secret.
    throw fail(`it is not JSON${error instanceof SyntaxError ? '' : `: ${error}`}`);
  }
  if (!isObject(value) || !isObject(value.contexts)) throw fail('contexts is not an object');
  const { current, contexts } = value;
  if (current !== undefined && typeof current !== 'string') throw fail('current is not a text');
  const found: Record<string, Context> = {};
  for (const [name, context] of Object.entries(contexts)) {
    if (!isObject(context)) throw fail(`contexts.${name} is not an object`);
    for (const [field, each] of Object.entries(context)) {
      if (!CONTEXT_FIELDS.some((known) => known === field))
        throw fail(`contexts.${name}.${field} is not a field of a context`);
      if (typeof each !== 'string') throw fail(`contexts.${name}.${field} is not a text`);
    }
    found[name] = context;
  }
  return { current, contexts: found };
}

/** Time after which a lock is one of a process that died, in ms. */
const STALE_LOCK_MS = 10_000;

/** Takes the file that keeps two commands from changing the contexts at the same time. */
function lock(file: string): Disposable {
  const path = `${file}.lock`;
  try {
    if (Date.now() - statSync(path).mtimeMs > STALE_LOCK_MS) rmSync(path, { force: true });
  } catch {
    // There is none.
  }
  try {
    writeFileSync(path, '', { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    throw new CommandError(
      EXIT.environment,
      `${path} exists: another openimctl changes the contexts; repeat the command`,
    );
  }
  return { [Symbol.dispose]: () => rmSync(path, { force: true }) };
}

/** Changes the contexts in one step; the file has mode 0600. @throws CommandError `environment` where it cannot be written. */
export function changeContexts(
  change: (contexts: Contexts) => Contexts,
  file: string = contextsFile(),
): Contexts {
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    using _ = lock(file);
    const changed = change(readContexts(file));
    const next = `${file}.${process.pid}`;
    writeFileSync(next, `${JSON.stringify(changed, null, 2)}\n`, { mode: 0o600 });
    chmodSync(next, 0o600);
    renameSync(next, file);
    return changed;
  } catch (error) {
    if (error instanceof CommandError || error instanceof DryRun) throw error;
    throw new CommandError(
      EXIT.environment,
      `${file} cannot be written: ${error instanceof Error ? error.message : error}; OPENIM_CTL_CONFIG names another file`,
    );
  }
}

/** A context by its name. @throws CommandError `usage` that lists those that exist. */
export function contextNamed({ contexts }: Contexts, name: string, option = '--context'): Context {
  const found = Object.hasOwn(contexts, name) ? contexts[name] : undefined;
  if (found !== undefined) return found;
  const names = Object.keys(contexts).sort();
  const known = names.length === 0 ? 'there are none yet' : `there are ${names.join(', ')}`;
  throw usageError(
    `${option}: there is no context ${name} (${known}); openimctl context add ${name} adds it; a context of the kubeconfig is named by --kube-context`,
  );
}
