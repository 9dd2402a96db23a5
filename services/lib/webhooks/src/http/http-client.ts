import type * as http from 'node:http';
import { isIP, type LookupFunction } from 'node:net';
import { messageOf, onAbort } from '@im/kit';
import { type AddressRules, addressRules } from './address-rules.ts';
import { type AnswerLimits, BodyReader, type HttpAnswer } from './body-reader.ts';
import { asRequestError, RequestError } from './request-error.ts';
import { createResolver, type Resolve } from './resolve.ts';
import type { AbortRequest, Transport } from './transport.ts';

export interface RequestOptions extends AnswerLimits {
  /** @default POST */
  readonly method?: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  /** Added to the query of the URL, encoded. */
  readonly query?: string;
  /** @default none */
  readonly body?: string | Uint8Array;
  /** For everything, from the resolution of the name to the last byte of the answer. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** Options of a request with a body. */
export type PostOptions = RequestOptions & Required<Pick<RequestOptions, 'body'>>;

export interface HttpClientDeps {
  readonly rules: AddressRules;
  readonly resolve: Resolve;
  /** Most connections to each receiver. */
  readonly connections: number;
  /**
   * The variables `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`: what a proxy is used for, it resolves and decides.
   * @default no proxy
   */
  readonly proxyEnv?: http.AgentOptions['proxyEnv'];
}

/** Sends requests over connections that are kept, and only to addresses that the rules allow. It follows no redirects. */
export class HttpClient {
  readonly #deps: HttpClientDeps;
  #transport: Promise<Transport> | undefined;
  #closed = false;

  constructor(deps: HttpClientDeps) {
    this.#deps = deps;
  }

  /** @throws RequestError. */
  post(url: URL, options: PostOptions): Promise<HttpAnswer> {
    return this.request(url, options);
  }

  /** @throws RequestError. */
  async request(url: URL, options: RequestOptions): Promise<HttpAnswer> {
    const { method = 'POST', headers, query = '', body = '', timeoutMs, signal } = options;
    assertAllowed(url, this.#deps.rules);
    const transport = await this.#opened();
    if (this.#closed) throw new RequestError('unreachable', 'the client is closed');
    if (signal?.aborted) throw givenUp();
    const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>();
    let abort: AbortRequest | undefined;
    const fail = (error: RequestError) => {
      reject(error);
      abort?.(error);
    };
    const timer = setTimeout(
      () => fail(new RequestError('timeout', `no answer within ${timeoutMs} ms`)),
      timeoutMs,
    );
    using _ = signal && onAbort(signal, () => fail(givenUp()));
    try {
      const reader = new BodyReader(options, {
        done: resolve,
        failed: (error) => fail(asRequestError(error)),
        cut: (reason) => abort?.(reason),
      });
      abort = transport.send({ url, method, headers, query, body: method === 'GET' ? '' : body }, reader);
      return await promise;
    } finally {
      clearTimeout(timer);
    }
  }

  /** @throws RequestError; the next request tries again. */
  async #opened(): Promise<Transport> {
    const opening = this.#transport ?? openTransport(this.#deps);
    this.#transport = opening;
    try {
      return await opening;
    } catch (cause) {
      if (this.#transport === opening) this.#transport = undefined;
      throw new RequestError('unreachable', `connections cannot be made: ${messageOf(cause)}`, { cause });
    }
  }

  /** Closes all connections; requests under way fail. */
  close(): void {
    this.#closed = true;
    this.#transport?.then((transport) => transport.close()).catch(() => {});
  }
}

function givenUp(): RequestError {
  return new RequestError('aborted', 'the call was given up');
}

/** Loads what it needs: undici alone takes megabytes, and most processes call no webhook. */
async function openTransport({ rules, resolve, connections, proxyEnv }: HttpClientDeps): Promise<Transport> {
  const lookup = guardedLookup(rules, resolve, proxyHosts(proxyEnv));
  if (proxyEnv) {
    const { proxyTransport } = await import('./proxy-transport.ts');
    return proxyTransport(lookup, connections, proxyEnv);
  }
  const { directTransport } = await import('./direct-transport.ts');
  return directTransport(lookup, connections);
}

/**
 * A client that reaches public addresses, and those in the given networks, alone.
 * @param connections most of them to each receiver.
 * @param proxyEnv see {@link HttpClientDeps}.
 */
export function guardedClient(
  allowedNetworks: readonly string[],
  connections: number,
  proxyEnv?: HttpClientDeps['proxyEnv'],
): HttpClient {
  const rules = addressRules(allowedNetworks);
  return new HttpClient({ rules, resolve: createResolver(), connections, proxyEnv });
}

/** Refuses an address in the URL, which is not looked up. @throws RequestError. */
export function assertAllowed(url: URL, rules: AddressRules): void {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) !== 0 && !rules.allows(host)) throw refusedAddress(host);
}

function refusedAddress(address: string): RequestError {
  return new RequestError(
    'address',
    `${address} is an internal address; the operator of the cluster allows such by webhooks.allowedNetworks`,
  );
}

/** Hosts of the proxies themselves, which are the operator's choice and may be internal. */
function proxyHosts(env: http.AgentOptions['proxyEnv'] = {}): ReadonlySet<string> {
  const urls = [env.HTTP_PROXY, env.HTTPS_PROXY, env.http_proxy, env.https_proxy];
  return new Set(urls.flatMap((url) => (url && URL.canParse(url) ? [new URL(url).hostname] : [])));
}

/**
 * Gives a connection only addresses that the rules allow: at every connection, so that a name cannot change later.
 * @param exempt hosts that may be anywhere.
 */
export function guardedLookup(
  rules: AddressRules,
  resolve: Resolve,
  exempt: ReadonlySet<string> = new Set(),
): LookupFunction {
  return (host, options, callback) => {
    resolve(host).then(
      (all) => {
        const allowed = exempt.has(host) ? all : all.filter(({ address }) => rules.allows(address));
        const [first] = allowed;
        if (first === undefined) callback(refusedAddress(all[0]?.address ?? host), '', 0);
        else if (options.all) callback(null, [...allowed]);
        else callback(null, first.address, first.family);
      },
      (error: unknown) => callback(error as NodeJS.ErrnoException, '', 0),
    );
  };
}
