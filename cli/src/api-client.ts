import { randomUUID } from 'node:crypto';
import { CommandError, EXIT, RefusedError } from './exit-codes.ts';
import { textOf } from './failure.ts';
import { showProgress } from './progress.ts';

/** The target of a request and the identity of the caller. */
export interface ApiTarget {
  /** Base URL of the HTTP API, with `/t/<tenant>` for another tenant than default. */
  readonly apiUrl: string;
  readonly token?: string;
}

const TIMEOUT_MS = 15_000;

/**
 * Calls one route of the OpenIM HTTP API and returns the envelope's data.
 * @throws RefusedError for an error of the server (its code and text), CommandError `unreachable` otherwise.
 */
export async function callApi<T>({ apiUrl, token }: ApiTarget, path: string, body: object): Promise<T> {
  const operationID = `openimctl-${randomUUID()}`;
  const url = `${apiUrl.replace(/\/$/, '')}${path}`;
  // Loaded by the first call, so that commands start without it.
  const { ApiError, apiClient, NotAnApiError } = await import('@im/client');
  const client = apiClient(apiUrl);
  using _shown = showProgress(() => `waiting for ${url}`);
  try {
    const data = await client.call<T | undefined>(path, body, { token, operationID, timeoutMs: TIMEOUT_MS });
    return data ?? ({} as T);
  } catch (error) {
    if (error instanceof ApiError) {
      throw new RefusedError(error.code, `${error.message} (operationID ${operationID})`);
    }
    if (error instanceof NotAnApiError) {
      throw new CommandError(
        EXIT.unreachable,
        `${url}: not an OpenIM API (answer: ${error.body.slice(0, 80)})`,
      );
    }
    const cause = error instanceof Error ? textOf(error) : String(error);
    throw new CommandError(EXIT.unreachable, `${url}: ${cause}; is the server up, and --api right?`);
  } finally {
    client.close();
  }
}
