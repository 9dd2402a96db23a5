import { randomUUID } from 'node:crypto';
import type { AdminApiError, AdminClient } from '@im/admin-api';
import { CommandError, EXIT, RefusedError } from '../exit-codes.ts';
import { textOf } from '../failure.ts';
import { showProgress } from '../progress.ts';
import { asAdmin, resolveTarget } from '../target.ts';
import type { TargetOptions } from '../target-options.ts';

/** Says what is waited for, in place of the server's answer. */
export type Say = (describe: () => string) => void;

/** A client of the administrators' API of the tenant that options name. */
export interface OpenAdmin {
  readonly admin: AdminClient;
  readonly apiUrl: string;
}

/** Logs in as the administrator that the options name. @throws CommandError as {@link withAdmin}. */
export async function openAdmin(options: TargetOptions): Promise<OpenAdmin> {
  const { apiUrl, token } = await asAdmin(await resolveTarget(options));
  // Loaded here, since all commands import this file.
  const { adminClient } = await import('@im/admin-api');
  return { apiUrl, admin: adminClient({ apiUrl, token, requestID: () => `openimctl-${randomUUID()}` }) };
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
): Promise<T> {
  const { admin, apiUrl } = await openAdmin(options);
  let describe = () => `waiting for ${apiUrl}`;
  using _shown = showProgress(() => describe());
  try {
    return await work(admin, (what) => {
      describe = what;
    });
  } catch (error) {
    throw adminFailure(error, apiUrl);
  }
}
