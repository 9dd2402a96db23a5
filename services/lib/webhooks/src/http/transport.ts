import type { IncomingHttpHeaders } from 'node:http';
import { RequestError } from './request-error.ts';

/** A request as it goes over a connection. */
export interface SentRequest {
  readonly url: URL;
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  /** Added to the query of the URL, encoded; empty for none. */
  readonly query: string;
  /** Empty for none. */
  readonly body: string | Uint8Array;
}

/** Takes what comes back. After `onEnd` or `onError` nothing else is called. */
export interface ResponseSink {
  onHead(status: number, headers: IncomingHttpHeaders): void;
  onData(chunk: Buffer): void;
  onEnd(): void;
  onError(error: Error): void;
}

/** Gives a request up; its connection is closed. */
export type AbortRequest = (reason: Error) => void;

/** Connections to receivers. */
export interface Transport {
  /** @throws RequestError for a URL that cannot be asked. */
  send(request: SentRequest, sink: ResponseSink): AbortRequest;
  /** Closes all connections; requests under way fail. */
  close(): void;
}

/** Shorter than what servers keep idle connections for, most of them 5 s: a request must not meet a closing one. */
export const IDLE_MS = 4_000;

/** Path and query of a request. */
export function pathOf({ url: { pathname, search }, query }: Pick<SentRequest, 'url' | 'query'>): string {
  if (query === '') return pathname + search;
  return `${pathname}${search}${search === '' ? '?' : '&'}${query}`;
}

/**
 * User and password of a URL, with a colon between them; undefined without any.
 * @throws RequestError when they are not percent-encoded.
 */
export function credentialsOf({ username, password }: URL): string | undefined {
  if (username === '' && password === '') return undefined;
  try {
    return `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  } catch (cause) {
    const message = 'user and password in the URL are not percent-encoded: write % as %25';
    throw new RequestError('address', message, { cause });
  }
}
