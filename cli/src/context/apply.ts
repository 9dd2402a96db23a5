import type { Command } from 'commander';
import { usageError } from '../exit-codes.ts';
import { type Context, type Contexts, contextNamed, readContexts } from './file.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Options that name a server, in the order in which errors name them. */
const SERVER_OPTIONS = ['api', 'ws', 'dataDir', 'cluster', 'kubeconfig', 'kubeContext'] as const;
/** Variables that name a server; they win over the current context. */
const SERVER_VARIABLES = ['OPENIM_API', 'OPENIM_WS', 'OPENIM_DATA_DIR', 'OPENIM_CLUSTER'] as const;

/** The command that puts load on a server: only on one that is named, and else on one that it starts. */
const MEASURES = 'bench';

function flagOf(command: Command, name: string): string {
  const found = command.options.find((option) => option.attributeName() === name);
  return found?.long ?? name;
}

function isGiven(command: Command, name: string): boolean {
  return command.getOptionValueSource(name) === 'cli';
}

/** The context of a command, if it has one, and whether the command line named it. */
function chosen(
  command: Command,
  env: Environment,
  contexts: () => Contexts,
): { readonly name: string; readonly context: Context; readonly isNamed: boolean } | undefined {
  const flag: unknown = command.getOptionValue('context');
  const server = SERVER_OPTIONS.find((name) => isGiven(command, name));
  if (typeof flag === 'string') {
    if (server !== undefined)
      throw usageError(
        `--context and ${flagOf(command, server)} name two servers, and a secret is for one alone: leave one out`,
      );
    return { name: flag, context: contextNamed(contexts(), flag), isNamed: true };
  }
  if (server !== undefined) return undefined;
  if (env.OPENIM_CONTEXT) {
    const context = contextNamed(contexts(), env.OPENIM_CONTEXT, 'OPENIM_CONTEXT');
    return { name: env.OPENIM_CONTEXT, context, isNamed: true };
  }
  if (SERVER_VARIABLES.some((name) => env[name])) return undefined;
  if (command.name() === MEASURES) return undefined;
  const known = contexts();
  if (known.current === undefined) return undefined;
  const option = 'the current context';
  return {
    ...{ name: known.current, isNamed: false },
    context: contextNamed(known, known.current, option),
  };
}

/** The admin secret of a context as options. @throws CommandError `usage` for a variable that is not set. */
function secretOf(name: string, context: Context, env: Environment): Record<string, string | undefined> {
  const { adminSecret, adminSecretFile, adminSecretEnv } = context;
  if (adminSecretFile !== undefined) return { adminSecretFile };
  if (adminSecret !== undefined) return { adminSecret };
  if (adminSecretEnv === undefined) return {};
  const value = env[adminSecretEnv];
  if (!value)
    throw usageError(`context ${name} takes its admin secret from ${adminSecretEnv}, which is not set`);
  return { adminSecret: value };
}

/** Whether the context is of Kubernetes, whatever cluster it names. */
function isOfKubernetes({ api, ws, dataDir }: Context): boolean {
  return api === undefined && ws === undefined && dataDir === undefined;
}

/**
 * Sets the options of a command that its context knows and the command line does not give. A context is named by `--context`,
 * then by OPENIM_CONTEXT; else it is the current one, unless flags or the environment name a server.
 * @throws CommandError `usage` for a context that does not exist, or one of another server than flags name.
 */
export function applyContext(
  command: Command,
  env: Environment = process.env,
  contexts: () => Contexts = () => readContexts(),
): void {
  if (!command.options.some((option) => option.attributeName() === 'context')) return;
  const choice = chosen(command, env, contexts);
  if (choice === undefined) return;
  const { name, context, isNamed } = choice;
  const known = new Set(command.options.map((option) => option.attributeName()));
  if (!known.has('api') && !isOfKubernetes(context)) {
    if (!isNamed) return;
    throw usageError(
      `context ${name} names a server by its address, and this command works on Kubernetes: name a context with --cluster, or use --kubeconfig`,
    );
  }
  const secretGiven = isGiven(command, 'adminSecret') || isGiven(command, 'adminSecretFile');
  const takesSecret = known.has('adminSecret') && !secretGiven;
  const { adminSecret: _, adminSecretFile: __, adminSecretEnv: ___, ...rest } = context;
  const values = { ...rest, ...(takesSecret && secretOf(name, context, env)) };
  for (const [option, value] of Object.entries(values)) {
    if (!(known.has(option) || (option === 'cluster' && known.has('kubeconfig')))) continue;
    if (isGiven(command, option)) continue;
    // An argument such as namespace/name says where to look.
    if (option === 'namespace' && command.args[0]?.includes('/')) continue;
    command.setOptionValueWithSource(option, value, 'context');
  }
  command.setOptionValueWithSource('contextName', name, 'context');
}
