import { once } from 'node:events';
import { request } from 'node:https';
import { text } from 'node:stream/consumers';

/** What a client shows to an API server. PEM. */
export interface ApiCredentials {
  readonly certificateAuthority: string;
  readonly certificate: string;
  readonly key: string;
}

/** One GET of an API server, without a client library. Resolves with any status; rejects when there is no answer. */
export async function apiGet(
  url: string,
  credentials: ApiCredentials,
  signal: AbortSignal,
): Promise<{ status: number; body: string }> {
  const sent = request(url, {
    ca: credentials.certificateAuthority,
    cert: credentials.certificate,
    key: credentials.key,
    signal,
    agent: false,
  });
  sent.end();
  const [response] = await once(sent, 'response', { signal });
  return { status: response.statusCode ?? 0, body: await text(response) };
}
