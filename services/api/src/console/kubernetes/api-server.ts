import { readFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import type { ConsoleResource } from '@im/contract';
import { messageOf } from '@im/kit';

/** What the API server answered. */
export interface ApiServerAnswer {
  readonly status: number;
  readonly text: string;
}

/** Why there is no answer. */
export class ApiServerError extends Error {
  override readonly name = 'ApiServerError';
  readonly fault: 'unreachable' | 'timeout' | 'tooLarge' | 'busy';

  constructor(fault: ApiServerError['fault'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.fault = fault;
  }
}

/** Reads from the API server with a token of the caller; without any rights of the process. */
export interface ApiServer {
  /**
   * One answer, of 2 MiB at most and within 4 s; redirects are not followed. Nothing is kept.
   * @param signal cancels the request
   * @throws ApiServerError; the reason of the signal
   */
  get(path: string, token: string, signal?: AbortSignal): Promise<ApiServerAnswer>;
  close(): void;
}

const TIMEOUT_MS = 4_000;
const MAX_BYTES = 2_097_152;
/** Requests at once, each of which waits for the API server; further ones are refused. */
const MOST_REQUESTS = 32;
const MOST_CONNECTIONS = 8;
const IDLE_MS = 30_000;

/** The URL of the API server: as set, else that which every pod finds in its environment. */
export function apiServerURL(
  { server }: Pick<ConsoleResource, 'server'>,
  { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port }: NodeJS.ProcessEnv,
): string | undefined {
  if (server !== '') return server.replace(/\/$/, '');
  if (!host || !port) return undefined;
  return `https://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** Node's code where it has one: the message of several failed addresses is empty. */
function reasonOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : messageOf(error);
}

/** @param env that of the process */
export function createApiServer(settings: ConsoleResource, env: NodeJS.ProcessEnv): ApiServer {
  const url = apiServerURL(settings, env);
  let agent: { readonly ca: string; readonly pool: Agent } | undefined;
  let requests = 0;

  async function certificates(): Promise<string> {
    if (settings.caFile === '') return '';
    try {
      return await readFile(settings.caFile, 'utf8');
    } catch (error) {
      throw new ApiServerError(
        'unreachable',
        `api.console.resource.caFile: cannot read ${settings.caFile}: ${messageOf(error)}`,
      );
    }
  }

  async function connections(): Promise<Agent> {
    const ca = await certificates();
    if (agent?.ca === ca) return agent.pool;
    agent?.pool.destroy();
    const pool = new Agent({
      keepAlive: true,
      maxSockets: MOST_CONNECTIONS,
      timeout: IDLE_MS,
      ...(ca !== '' && { ca }),
    });
    agent = { ca, pool };
    return pool;
  }

  async function ask(target: string, token: string, signal: AbortSignal): Promise<ApiServerAnswer> {
    const pool = await connections();
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const headers = { authorization: `Bearer ${token}`, accept: 'application/json' };
      const sent = request(target, { agent: pool, headers, signal });
      sent.once('response', resolve).once('error', reject).end();
    });
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of response as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      // Leaving the loop closes the connection.
      if (bytes > MAX_BYTES)
        throw new ApiServerError('tooLarge', `the API server answers with more than ${MAX_BYTES} bytes`);
      chunks.push(chunk);
    }
    return { status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') };
  }

  return {
    async get(path, token, given) {
      if (url === undefined)
        throw new ApiServerError(
          'unreachable',
          'api.console.resource.server is not set, and the environment names no API server',
        );
      if (requests >= MOST_REQUESTS)
        throw new ApiServerError('busy', `${MOST_REQUESTS} requests to the API server wait for an answer`);
      const timeout = AbortSignal.timeout(TIMEOUT_MS);
      requests++;
      try {
        return await ask(url + path, token, given ? AbortSignal.any([given, timeout]) : timeout);
      } catch (error) {
        if (error instanceof ApiServerError) throw error;
        given?.throwIfAborted();
        if (timeout.aborted)
          throw new ApiServerError('timeout', `the API server did not answer within ${TIMEOUT_MS / 1_000} s`);
        throw new ApiServerError('unreachable', `the API server cannot be reached: ${reasonOf(error)}`, {
          cause: error,
        });
      } finally {
        requests--;
      }
    },
    close: () => agent?.pool.destroy(),
  };
}
