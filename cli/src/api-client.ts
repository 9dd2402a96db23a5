import { randomUUID } from 'node:crypto';
import { CommandError, EXIT, RefusedError } from './exit-codes.ts';
import { showProgress } from './progress.ts';

interface Envelope {
  errCode: number;
  errMsg: string;
  errDlt: string;
  data?: unknown;
}

/** Where a request goes and as whom. */
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
export async function callApi<T>(target: ApiTarget, path: string, body: object): Promise<T> {
  const operationID = `openimctl-${randomUUID()}`;
  const headers: Record<string, string> = { 'content-type': 'application/json', operationID };
  if (target.token !== undefined) headers.token = target.token;
  const url = `${target.apiUrl.replace(/\/$/, '')}${path}`;
  let text: string;
  using _shown = showProgress(() => `waiting for ${url}`);
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    text = await response.text();
  } catch (error) {
    const cause =
      error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
    throw new CommandError(EXIT.unreachable, `${url}: ${cause}; is the server up, and --api right?`);
  }
  let envelope: Envelope;
  try {
    envelope = JSON.parse(text) as Envelope;
  } catch {
    throw new CommandError(EXIT.unreachable, `${url}: not an OpenIM API (answer: ${text.slice(0, 80)})`);
  }
  if (envelope.errCode !== 0) {
    const detail = envelope.errDlt === '' ? '' : `: ${envelope.errDlt}`;
    throw new RefusedError(
      envelope.errCode,
      `${path}: ${envelope.errCode} ${envelope.errMsg}${detail} (operationID ${operationID})`,
    );
  }
  return (envelope.data ?? {}) as T;
}
