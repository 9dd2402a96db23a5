import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { Option } from 'commander';
import { type ApiTarget, callApi } from './api-client.ts';
import { readDevState } from './dev/data-dir.ts';
import { usageError } from './exit-codes.ts';

/** Options by which a command finds its server and its rights. */
export interface TargetOptions {
  api?: string;
  ws?: string;
  tenant: string;
  adminSecret?: string;
  adminSecretFile?: string;
  adminUser: string;
  dataDir?: string;
}

/** Adds the options of {@link TargetOptions} to a command. */
export function withTarget(command: Command): Command {
  return command
    .addOption(new Option('--api <url>', 'base URL of the HTTP API').env('OPENIM_API'))
    .addOption(new Option('--ws <url>', 'base URL of the WebSocket gateway').env('OPENIM_WS'))
    .addOption(new Option('--tenant <id>', 'tenant').env('OPENIM_TENANT').default('default'))
    .addOption(new Option('--admin-secret <secret>', "the tenant's admin secret").env('OPENIM_ADMIN_SECRET'))
    .addOption(
      new Option('--admin-secret-file <file>', 'file with the admin secret').env('OPENIM_ADMIN_SECRET_FILE'),
    )
    .addOption(new Option('--admin-user <userID>', 'admin user').env('OPENIM_ADMIN_USER').default('imAdmin'))
    .addOption(
      new Option(
        '--data-dir <dir>',
        'data directory of a running `openimctl dev`, which knows all of the above',
      ).env('OPENIM_DATA_DIR'),
    );
}

/** Endpoints with the tenant's path, and the admin secret where one is known. */
export interface Target {
  readonly apiUrl: string;
  readonly wsUrl: string;
  readonly adminSecret: string | undefined;
  readonly adminUser: string;
}

function tenantPath(base: string, tenant: string): string {
  const url = base.replace(/\/$/, '');
  return tenant === 'default' ? url : `${url}/t/${tenant}`;
}

function secretOf(options: TargetOptions): string | undefined {
  if (options.adminSecret !== undefined) return options.adminSecret;
  if (options.adminSecretFile === undefined) return undefined;
  try {
    return readFileSync(options.adminSecretFile, 'utf8').trim();
  } catch (error) {
    throw usageError(`--admin-secret-file: ${(error as Error).message}`);
  }
}

/** The server that the options name: given URLs first, then the running `openimctl dev` of --data-dir or `.dev`. */
export function resolveTarget(options: TargetOptions): Target {
  const dev = readDevState(options.dataDir ?? '.dev');
  const api = options.api ?? dev?.api;
  const ws = options.ws ?? dev?.ws;
  if (api === undefined || ws === undefined) {
    throw usageError(
      'no server given: use --api and --ws (or OPENIM_API, OPENIM_WS), or --data-dir of a running `openimctl dev`',
    );
  }
  return {
    apiUrl: tenantPath(api, options.tenant),
    wsUrl: tenantPath(ws, options.tenant),
    adminSecret: secretOf(options) ?? dev?.adminSecrets[options.tenant],
    adminUser: options.adminUser,
  };
}

/** The target with a fresh admin token. */
export async function asAdmin(target: Target): Promise<ApiTarget & { token: string }> {
  if (target.adminSecret === undefined) {
    throw usageError(
      'no admin secret: use --admin-secret, --admin-secret-file, OPENIM_ADMIN_SECRET, or --data-dir of a running `openimctl dev`',
    );
  }
  const { token } = await callApi<{ token: string }>(target, '/auth/get_admin_token', {
    secret: target.adminSecret,
    userID: target.adminUser,
  });
  return { apiUrl: target.apiUrl, token };
}

/** A user's token, issued with admin rights. */
export async function userToken(target: Target, userID: string, platformID: number): Promise<string> {
  const admin = await asAdmin(target);
  const { token } = await callApi<{ token: string }>(admin, '/auth/get_user_token', { userID, platformID });
  return token;
}
