import { type ApiTarget, callApi } from './api-client.ts';
import type { DevState } from './dev/state.ts';
import { RefusedError, usageError } from './exit-codes.ts';
import { type ClusterFinder, type Environment, EXAMPLES, findServer, KUBERNETES } from './find-server.ts';
import { readSecret } from './secrets.ts';
import type { TargetOptions } from './target-options.ts';

/** Endpoints with the tenant's path, and the admin secret where one is known. */
export interface Target {
  /** Empty when the command did not say that it needs it and none is known. */
  readonly apiUrl: string;
  /** As {@link Target.apiUrl}. */
  readonly wsUrl: string;
  /** The console, as the status of a cluster has it. */
  readonly console?: string | undefined;
  readonly adminSecret: string | undefined;
  /** A token of a backend, taken instead of the secret. */
  readonly adminToken?: string | undefined;
  /** Why a cluster's own secret is not known. */
  readonly secretProblem?: string | undefined;
  readonly adminUser: string;
  /** The `openimctl dev` that was found, when no URL was given. */
  readonly dev: DevState | undefined;
}

/**
 * The server that options and environment name. What a running `openimctl dev` or a cluster knows is
 * used only when that is the server, so that its secret is never sent to another one; a secret in the
 * environment is never sent to a cluster that the environment does not name.
 * @param needs the addresses that the command requires.
 * @throws CommandError `usage` that says how to name a server.
 */
export async function resolveTarget(
  options: TargetOptions,
  needs: readonly ('api' | 'ws')[] = ['api'],
  env: Environment = process.env,
  clusters: ClusterFinder = KUBERNETES,
): Promise<Target> {
  const flagSecret = { value: options.adminSecret, file: options.adminSecretFile };
  const secretByFlag = flagSecret.value !== undefined || flagSecret.file !== undefined;
  const secretOf = needs.includes('api') && !secretByFlag ? options.tenant : undefined;
  const found = await findServer(options, env, { endpoints: needs, secretOf }, clusters);
  for (const need of needs) {
    if (found[need] !== '') continue;
    const why = found.problem === undefined ? '' : ` (as for clusters: ${found.problem})`;
    throw usageError(
      `no server given: use --${need} (or OPENIM_${need.toUpperCase()}), such as ${EXAMPLES[need]}, or --data-dir of a running \`openimctl dev\`, or --cluster for one on Kubernetes${why}`,
    );
  }
  const given = readSecret(
    { ...flagSecret, fileOption: '--admin-secret-file', env: 'OPENIM_ADMIN_SECRET' },
    found.takesEnvSecret ? env : {},
  );
  const adminToken =
    given === undefined && found.takesEnvSecret
      ? readSecret({ value: undefined, file: undefined, fileOption: '', env: 'OPENIM_ADMIN_TOKEN' }, env)
      : undefined;
  const { dev, cluster } = found;
  // Loaded here, since all commands import this file.
  const { DEFAULT_ADMIN_USER, tenantURL } = await import('@im/contract');
  const adminUser = options.adminUser ?? (found.takesEnvSecret ? env.OPENIM_ADMIN_USER : undefined);
  return {
    apiUrl: tenantURL(found.api, options.tenant),
    wsUrl: tenantURL(found.ws, options.tenant),
    console: cluster?.console,
    adminSecret: given ?? dev?.adminSecrets[options.tenant] ?? cluster?.adminSecret,
    adminToken,
    secretProblem: cluster?.secretProblem,
    adminUser: adminUser ?? dev?.adminUser ?? cluster?.adminUser ?? DEFAULT_ADMIN_USER,
    dev,
  };
}

/** The admin secret. @throws CommandError `usage` that says how to give one. */
export function requireAdminSecret(target: Target): string {
  if (target.adminSecret !== undefined) return target.adminSecret;
  const why = target.secretProblem === undefined ? '' : `${target.secretProblem}; `;
  throw usageError(
    `no admin secret: ${why}use --admin-secret, --admin-secret-file or OPENIM_ADMIN_SECRET, a token of a backend in OPENIM_ADMIN_TOKEN, or --data-dir of a running \`openimctl dev\` that has this tenant`,
  );
}

/** The target with a fresh admin token, or with the token of a backend where one is given. */
export async function asAdmin(target: Target): Promise<ApiTarget & { token: string }> {
  if (target.adminToken !== undefined) return { apiUrl: target.apiUrl, token: target.adminToken };
  const { token } = await callApi<{ token: string }>(target, '/auth/get_admin_token', {
    secret: requireAdminSecret(target),
    userID: target.adminUser,
  });
  return { apiUrl: target.apiUrl, token };
}

/** Error codes of a token request for a user who does not exist. */
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
