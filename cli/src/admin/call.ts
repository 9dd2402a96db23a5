import { randomUUID } from 'node:crypto';
import type { AdminApiError, AdminClient, Operation } from '@im/admin-api';
import { DryRun } from '../dry-run.ts';
import { CommandError, EXIT, RefusedError } from '../exit-codes.ts';
import { textOf } from '../failure.ts';
import { showProgress } from '../progress.ts';
import { asAdmin, resolveTarget, type Target } from '../target.ts';
import type { TargetOptions } from '../target-options.ts';

/** Says what is waited for, in place of the server's answer. */
export type Say = (describe: () => string) => void;

/** A client of the administrators' API of the tenant that options name. */
export interface OpenAdmin {
  readonly admin: AdminClient;
  readonly apiUrl: string;
}

/**
 * Logs in as the administrator that the options name.
 * @param target that they name, where it is known already
 * @throws CommandError as {@link withAdmin}.
 */
export async function openAdmin(options: TargetOptions, target?: Target): Promise<OpenAdmin> {
  const { apiUrl, token } = await asAdmin(target ?? (await resolveTarget(options)));
  // Loaded here, since all commands import this file.
  const { adminClient } = await import('@im/admin-api');
  const admin = adminClient({ apiUrl, token, requestID: () => `openimctl-${randomUUID()}` });
  return { apiUrl, admin: options.dryRun ? readingOnly(admin, apiUrl) : admin };
}

/** What names the subject of an operation, and what answers whether it exists. */
async function lookUp(admin: AdminClient, params: Readonly<Record<string, string>>): Promise<void> {
  const { getCronJob, getGroup, getUser } = await import('@im/admin-api');
  const { userID, groupID, name } = params;
  if (userID !== undefined) await admin.call(getUser, { params: { userID } });
  if (groupID !== undefined) await admin.call(getGroup, { params: { groupID } });
  if (name !== undefined) await admin.call(getCronJob, { params: { name } });
}

/** A client that reads, and in place of the first change looks whether its subject exists and ends the command. */
function readingOnly(admin: AdminClient, apiUrl: string): AdminClient {
  return {
    ...admin,
    async call(operation: Operation, given: object) {
      if (operation.method === 'GET') return (await admin.call(operation, given)) as never;
      const {
        params = {},
        query,
        body,
      } = given as {
        params?: Record<string, string>;
        query?: object;
        body?: object;
      };
      await lookUp(admin, params);
      const path = operation.path.replace(/\{(\w+)\}/g, (_, name: string) => params[name] ?? '');
      const input = Object.entries({ ...query, ...body }).filter(
        ([, value]) => value !== undefined && value !== '',
      );
      throw new DryRun(operation.summary, {
        request: `${operation.method} ${path}`,
        server: apiUrl,
        with: input.map(
          ([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
        ),
      });
    },
  };
}

/** Why a request to the administrators' API failed, as an error that ends a command. */
export function adminFailure(error: unknown, apiUrl: string): CommandError {
  if (error instanceof CommandError) return error;
  if (error instanceof Error && error.name === 'AdminApiError') {
    const { code, requestID } = (error as AdminApiError).failure;
    return new RefusedError(code, `${error.message} (code ${code}, request ${requestID})`);
  }
  if (error instanceof Error && error.name === 'NotAdminApiError') {
    return new CommandError(
      EXIT.unreachable,
      `${apiUrl}/admin/v1: ${error.message}; is this the HTTP API, of a server as new as openimctl?`,
    );
  }
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const text = cause instanceof Error ? textOf(cause) : String(cause);
  return new CommandError(EXIT.unreachable, `${apiUrl}: ${text}; is the server up, and --api right?`);
}

/**
 * Runs `work` with a client of the administrators' API of the tenant that the options name.
 * @throws RefusedError for an error of the server, CommandError `unreachable` without an answer.
 */
export async function withAdmin<T>(
  options: TargetOptions,
  work: (admin: AdminClient, say: Say) => Promise<T>,
  target?: Target,
): Promise<T> {
  const { admin, apiUrl } = await openAdmin(options, target);
  let describe = () => `waiting for ${apiUrl}`;
  using _shown = showProgress(() => describe());
  try {
    return await work(admin, (what) => {
      describe = what;
    });
  } catch (error) {
    throw error instanceof DryRun ? error : adminFailure(error, apiUrl);
  }
}
