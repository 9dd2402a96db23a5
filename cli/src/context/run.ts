import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { DryRun, type DryRunOption } from '../dry-run.ts';
import { usageError } from '../exit-codes.ts';
import { checkedUrl } from '../find-server.ts';
import { type OutputFormat, printObject, printRows, type Row } from '../output.ts';
import { type Context, changeContexts, contextNamed, readContexts } from './file.ts';

/** Options of `openimctl context add`. */
export interface AddOptions extends Omit<Context, 'adminSecret'>, DryRunOption {
  readonly use: boolean;
  readonly replace: boolean;
  readonly output: OutputFormat;
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;
/** Most contexts. */
const MAX_CONTEXTS = 1_000;

/** Columns of the list of contexts. */
const COLUMNS = ['current', 'name', 'server', 'tenant', 'credential'] as const;

function row(name: string, context: Context, current: string | undefined): Row {
  const { adminSecret: _, ...shown } = context;
  return {
    ...{ current: name === current ? '*' : '', name, server: serverOf(context) },
    ...{ tenant: context.tenant ?? 'default', credential: credentialOf(context) },
    ...shown,
  };
}

function serverOf({ api, ws, dataDir, cluster, namespace, kubeContext, kubeconfig }: Context): string {
  if (api !== undefined || ws !== undefined) return api ?? ws ?? '';
  if (dataDir !== undefined) return `dev ${dataDir}`;
  const name = [namespace, cluster].filter(Boolean).join('/');
  const where = kubeContext ?? kubeconfig;
  return `cluster ${name || 'any'}${where === undefined ? '' : ` of ${where}`}`;
}

/** Where the secret comes from; never the secret. */
function credentialOf({ adminSecret, adminSecretFile, adminSecretEnv, api }: Context): string {
  if (adminSecretFile !== undefined) return `file ${adminSecretFile}`;
  if (adminSecretEnv !== undefined) return `variable ${adminSecretEnv}`;
  if (adminSecret !== undefined) return 'kept here';
  return api === undefined ? 'of the server' : 'none';
}

function check({ api, ws, dataDir, cluster, kubeconfig, kubeContext, namespace }: AddOptions): void {
  const kinds = [
    [api !== undefined || ws !== undefined, '--api and --ws'],
    [dataDir !== undefined, '--data-dir'],
    [
      [cluster, kubeconfig, kubeContext, namespace].some((each) => each !== undefined),
      '--cluster, --kubeconfig, --kube-context and --namespace',
    ],
  ] as const;
  const given = kinds.filter(([is]) => is).map(([, flags]) => flags);
  if (given.length === 1) return;
  const all = kinds.map(([, flags]) => flags).join('; ');
  throw usageError(
    given.length === 0
      ? `a context names one server, by one of: ${all}`
      : `${given.join(' together with ')} name two servers: a context names one`,
  );
}

/** The secret that is read from standard input for `-`. */
function secretOf({ adminSecretFile, adminSecretEnv }: AddOptions): Context {
  if (adminSecretFile !== undefined && adminSecretEnv !== undefined)
    throw usageError('--admin-secret-file and --admin-secret-env exclude each other: leave one out');
  if (adminSecretEnv !== undefined && !/^[A-Za-z_][A-Za-z0-9_]*$/.test(adminSecretEnv))
    throw usageError(
      `--admin-secret-env: ${adminSecretEnv.slice(0, 3)}... is not the name of a variable; the secret itself does not belong here`,
    );
  if (adminSecretFile !== '-') {
    return {
      ...(adminSecretFile !== undefined && { adminSecretFile: resolve(adminSecretFile) }),
      ...(adminSecretEnv !== undefined && { adminSecretEnv }),
    };
  }
  const secret = readFileSync(0, 'utf8').trim();
  if (secret === '') throw usageError('--admin-secret-file: standard input is empty');
  return { adminSecret: secret };
}

/** Splits `namespace/name`, as commands on other resources need the namespace alone. */
function placeOf({ cluster, namespace }: AddOptions): Context {
  const [, inName, name] = /^(?:([^/]+)\/)?([^/]+)$/.exec(cluster ?? '') ?? [];
  if (cluster !== undefined && name === undefined)
    throw usageError(`--cluster: ${cluster} is neither a name nor namespace/name`);
  if (inName !== undefined && namespace !== undefined && inName !== namespace)
    throw usageError(`--namespace ${namespace} and ${cluster} name two namespaces: leave one out`);
  const where = inName ?? namespace;
  return { ...(name !== undefined && { cluster: name }), ...(where !== undefined && { namespace: where }) };
}

function contextOf(options: AddOptions): Context {
  check(options);
  const { api, ws, dataDir, kubeconfig, kubeContext, tenant, adminUser } = options;
  return {
    ...(api !== undefined && { api: checkedUrl('api', api) }),
    ...(ws !== undefined && { ws: checkedUrl('ws', ws) }),
    ...(dataDir !== undefined && { dataDir: resolve(dataDir) }),
    ...placeOf(options),
    ...(kubeconfig !== undefined && { kubeconfig: resolve(kubeconfig) }),
    ...(kubeContext !== undefined && { kubeContext }),
    ...(tenant !== undefined && { tenant }),
    ...(adminUser !== undefined && { adminUser }),
    ...secretOf(options),
  };
}

/** Runs `openimctl context add`. The first context becomes the current one. */
export async function addContext(name: string, options: AddOptions): Promise<void> {
  if (!NAME.test(name))
    throw usageError(
      `<name>: ${name} is not 1 to 63 of letters, digits, ., _ and -, with a letter or digit first`,
    );
  const context = contextOf(options);
  const { current } = changeContexts((before) => {
    if (Object.hasOwn(before.contexts, name) && !options.replace)
      throw usageError(`there is a context ${name} already: --replace takes its place`);
    const contexts = { ...before.contexts, [name]: context };
    if (Object.keys(contexts).length > MAX_CONTEXTS)
      throw usageError(`there are ${MAX_CONTEXTS} contexts already: openimctl context remove removes one`);
    const current = options.use || before.current === undefined ? name : before.current;
    if (options.dryRun) throw new DryRun('keep a context', row(name, context, current));
    return { current, contexts };
  });
  await printObject(row(name, context, current), options.output);
}

/** Options of the commands that change one context. */
export interface ChangeOptions extends DryRunOption {
  readonly output: OutputFormat;
}

/** Runs `openimctl context use`. */
export async function useContext(name: string, { output, dryRun }: ChangeOptions): Promise<void> {
  const { contexts } = changeContexts((before) => {
    const context = contextNamed(before, name, '<name>');
    if (dryRun) throw new DryRun('make a context the current one', row(name, context, before.current));
    return { ...before, current: name };
  });
  await printObject(row(name, contexts[name] ?? {}, name), output);
}

/** Runs `openimctl context list`. */
export async function listContexts(output: OutputFormat): Promise<void> {
  const { current, contexts } = readContexts();
  const rows = Object.entries(contexts)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, context]) => row(name, context, current));
  if (output !== 'name') await printRows(rows, COLUMNS, output);
  else for (const { name } of rows) console.log(name);
}

/** Runs `openimctl context remove`. Without the current context none is current. */
export async function removeContext(name: string, { output, dryRun }: ChangeOptions): Promise<void> {
  changeContexts((before) => {
    const context = contextNamed(before, name, '<name>');
    if (dryRun) throw new DryRun('remove a context', row(name, context, before.current));
    const { [name]: _, ...contexts } = before.contexts;
    return { current: before.current === name ? undefined : before.current, contexts };
  });
  await printObject({ name, removed: true }, output);
}
