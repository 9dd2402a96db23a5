import { randomUUID } from 'node:crypto';
import type { AdminClient } from '@im/admin-api';
import { CommandError, EXIT, RefusedError } from '../exit-codes.ts';
import { textOf } from '../failure.ts';
import { showProgress } from '../progress.ts';
import { asAdmin, resolveTarget } from '../target.ts';
import type { TargetOptions } from '../target-options.ts';

/** Says what is waited for, in place of the server's answer. */
export type Say = (describe: () => string) => void;

/**
 * Runs `work` with a client of the administrators' API of the tenant that the options name.
 * @throws RefusedError for an error of the server, CommandError `unreachable` without an answer.
 */
export async function withAdmin<T>(
  options: TargetOptions,
  work: (admin: AdminClient, say: Say) => Promise<T>,
): Promise<T> {
  const { apiUrl, token } = await asAdmin(await resolveTarget(options));
  // Loaded here, since all commands import this file.
  const { AdminApiError, adminClient, NotAdminApiError } = await import('@im/admin-api');
  const admin = adminClient({ apiUrl, token, requestID: () => `openimctl-${randomUUID()}` });
  let describe = () => `waiting for ${apiUrl}`;
  using _shown = showProgress(() => describe());
  try {
    return await work(admin, (what) => {
      describe = what;
    });
  } catch (error) {
    if (error instanceof CommandError) throw error;
    if (error instanceof AdminApiError) {
      const { code, requestID } = error.failure;
      throw new RefusedError(code, `${error.message} (code ${code}, request ${requestID})`);
    }
    if (error instanceof NotAdminApiError) {
      throw new CommandError(
        EXIT.unreachable,
        `${apiUrl}/admin/v1: ${error.message}; is this the HTTP API, of a server as new as openimctl?`,
      );
    }
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    const text = cause instanceof Error ? textOf(cause) : String(cause);
    throw new CommandError(EXIT.unreachable, `${apiUrl}: ${text}; is the server up, and --api right?`);
  }
}
