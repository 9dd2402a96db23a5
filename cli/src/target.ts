import { type Command, Option } from 'commander';
import { type ApiTarget, callApi } from './api-client.ts';
import { tenant } from './arguments.ts';
import { DEFAULT_DATA_DIR, type DevState, readDevState } from './dev/state.ts';
import { RefusedError, usageError } from './exit-codes.ts';
import { readSecret } from './secrets.ts';

/** Options by which a command finds its server and its rights. */
export interface TargetOptions {
  api?: string;
  ws?: string;
  tenant: string;
  adminSecret?: string;
  adminSecretFile?: string;
  adminUser?: string;
  dataDir?: string;
}

/** Adds the options of {@link TargetOptions} to a command. */
export function withTarget(command: Command): Command {
  return command
    .addOption(new Option('--api <url>', 'base URL of the HTTP API (env: OPENIM_API)'))
    .addOption(new Option('--ws <url>', 'base URL of the WebSocket gateway (env: OPENIM_WS)'))
    .addOption(
      new Option('--tenant <id>', 'tenant')
        .env('OPENIM_TENANT')
        .default('default')
        .argParser(tenant('--tenant')),
    )
    .addOption(new Option('--admin-secret <secret>', "the tenant's admin secret (env: OPENIM_ADMIN_SECRET)"))
    .addOption(
      new Option('--admin-secret-file <file>', 'file with the admin secret (env: OPENIM_ADMIN_SECRET_FILE)'),
    )
    .addOption(
      new Option('--admin-user <userID>', 'admin user; imAdmin when absent (env: OPENIM_ADMIN_USER)'),
    )
    .addOption(
      new Option(
        '--data-dir <dir>',
        `data directory of a running \`openimctl dev\`, which knows all of the above; ${DEFAULT_DATA_DIR} when nothing is given (env: OPENIM_DATA_DIR)`,
      ),
    );
}

/** Endpoints with the tenant's path, and the admin secret where one is known. */
export interface Target {
  /** Empty when the command did not say that it needs it and none is known. */
  readonly apiUrl: string;
  /** As {@link Target.apiUrl}. */
  readonly wsUrl: string;
  readonly adminSecret: string | undefined;
  readonly adminUser: string;
  /** The `openimctl dev` that was found, when no URL was given. */
  readonly dev: DevState | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

const SCHEMES = { api: ['http:', 'https:'], ws: ['ws:', 'wss:'] } as const;
const EXAMPLES = { api: 'http://127.0.0.1:10002', ws: 'ws://127.0.0.1:10001' } as const;

function checkedUrl(which: 'api' | 'ws', text: string): string {
  const url = URL.parse(text);
  if (url === null || !SCHEMES[which].some((scheme) => scheme === url.protocol)) {
    throw usageError(`--${which}: ${text} is not a URL such as ${EXAMPLES[which]}`);
  }
  return text.replace(/\/+$/, '');
}

function tenantPath(base: string, id: string): string {
  return id === 'default' || base === '' ? base : `${base}/t/${id}`;
}

/** The running `openimctl dev` of a directory that was named, which must be there, or of the usual one. */
function findDev(named: string | undefined): DevState | undefined {
  const dev = readDevState(named ?? DEFAULT_DATA_DIR);
  if (dev === undefined && named !== undefined) {
    throw usageError(
      `--data-dir: no \`openimctl dev\` runs on ${named}; start it with: openimctl dev --data-dir ${named}`,
    );
  }
  return dev;
}

/** URLs from flags, then the directory from a flag, then both from the environment, then the usual directory. */
function findServer(options: TargetOptions, env: Environment) {
  const none = { api: '', ws: '', dev: undefined };
  const given = (api?: string, ws?: string) => ({
    ...none,
    api: api ? checkedUrl('api', api) : '',
    ws: ws ? checkedUrl('ws', ws) : '',
  });
  if (options.api !== undefined || options.ws !== undefined) {
    return given(options.api ?? env.OPENIM_API, options.ws ?? env.OPENIM_WS);
  }
  if (options.dataDir === undefined && (env.OPENIM_API || env.OPENIM_WS)) {
    return given(env.OPENIM_API, env.OPENIM_WS);
  }
  const dev = findDev(options.dataDir ?? env.OPENIM_DATA_DIR);
  return dev === undefined ? none : { api: dev.api, ws: dev.ws, dev };
}

/**
 * The server that options and environment name. What a running `openimctl dev` knows is used only
 * when no URL is given, so that its secret is never sent to another server.
 * @param needs what the command cannot do without.
 * @throws CommandError `usage` that says how to name a server.
 */
export function resolveTarget(
  options: TargetOptions,
  needs: readonly ('api' | 'ws')[] = ['api'],
  env: Environment = process.env,
): Target {
  const found = findServer(options, env);
  for (const need of needs) {
    if (found[need] !== '') continue;
    throw usageError(
      `no server given: use --${need} (or OPENIM_${need.toUpperCase()}), such as ${EXAMPLES[need]}, or --data-dir of a running \`openimctl dev\``,
    );
  }
  const secret = readSecret(
    {
      value: options.adminSecret,
      file: options.adminSecretFile,
      fileOption: '--admin-secret-file',
      env: 'OPENIM_ADMIN_SECRET',
    },
    env,
  );
  return {
    apiUrl: tenantPath(found.api, options.tenant),
    wsUrl: tenantPath(found.ws, options.tenant),
    adminSecret: secret ?? found.dev?.adminSecrets[options.tenant],
    adminUser: options.adminUser ?? env.OPENIM_ADMIN_USER ?? found.dev?.adminUser ?? 'imAdmin',
    dev: found.dev,
  };
}

/** The admin secret. @throws CommandError `usage` that says how to give one. */
export function requireAdminSecret(target: Target): string {
  if (target.adminSecret !== undefined) return target.adminSecret;
  throw usageError(
    'no admin secret: use --admin-secret, --admin-secret-file or OPENIM_ADMIN_SECRET, or --data-dir of a running `openimctl dev` that has this tenant',
  );
}

/** The target with a fresh admin token. */
export async function asAdmin(target: Target): Promise<ApiTarget & { token: string }> {
  const { token } = await callApi<{ token: string }>(target, '/auth/get_admin_token', {
    secret: requireAdminSecret(target),
    userID: target.adminUser,
  });
  return { apiUrl: target.apiUrl, token };
}

/** Answers to the wish for a token of a user who does not exist. */
const NO_SUCH_USER = new Set([1004, 1101]);

/** A user's token, issued with admin rights. @throws CommandError `usage` when there is no such user. */
export async function userToken(target: Target, userID: string, platformID: number): Promise<string> {
  const admin = await asAdmin(target);
  try {
    const body = { userID, platformID };
    return (await callApi<{ token: string }>(admin, '/auth/get_user_token', body)).token;
  } catch (error) {
    if (!(error instanceof RefusedError) || !NO_SUCH_USER.has(error.code)) throw error;
    throw noSuchUser(userID);
  }
}

/** @returns the error about a user who does not exist. */
export function noSuchUser(userID: string): Error {
  return usageError(`there is no user ${userID}; create it with: openimctl user create ${userID}`);
}
