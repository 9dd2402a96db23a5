import * as http from 'node:http';
import * as https from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { messageOf, onAbort } from '@im/kit';
import { type AddressRules, addressRules } from './address-rules.ts';
import { createResolver, type Resolve } from './resolve.ts';

/** Why a request has no usable answer. */
export type Failure =
  /** Its address is not one that receivers may have. */
  | 'address'
  /** No connection, or it broke. */
  | 'unreachable'
  | 'timeout'
  /** The answer has more bytes than are read. */
  | 'too large'
  /** The caller gave up. */
  | 'aborted';

/** A request without a usable answer. */
export class RequestError extends Error {
  override readonly name = 'RequestError';
  readonly failure: Failure;

  constructor(failure: Failure, message: string, options?: ErrorOptions) {
    super(message, options);
    this.failure = failure;
  }
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

export interface RequestOptions {
  /** @default POST */
  readonly method?: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  /** Added to the query of the URL, encoded. */
  readonly query?: string;
  /** @default none */
  readonly body?: string | Uint8Array;
  /** For everything, from the resolution of the name to the last byte of the answer. */
  readonly timeoutMs: number;
  /** Most bytes of the answer. */
  readonly maxBytes: number;
  /** What to do with more: fail, or return what was read. */
  readonly whenLarger: 'fail' | 'cut';
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

/** Shorter than what servers keep idle connections for, most of them 5 s: a request must not meet a closing one. */
const IDLE_MS = 4_000;

/** Sends requests over connections that are kept, and only to addresses that the rules allow. It follows no redirects. */
export class HttpClient {
  readonly #agents;
  readonly #rules: AddressRules;

  constructor({ rules, resolve, connections, proxyEnv }: HttpClientDeps) {
    this.#rules = rules;
    const options = {
      keepAlive: true,
      timeout: IDLE_MS,
      maxSockets: connections,
      maxFreeSockets: 8,
      scheduling: 'lifo',
      lookup: guardedLookup(rules, resolve, proxyHosts(proxyEnv)),
      ...(proxyEnv && { proxyEnv }),
    } as const;
    this.#agents = { 'http:': new http.Agent(options), 'https:': new https.Agent(options) };
  }

  /** @throws RequestError. */
  post(url: URL, options: PostOptions): Promise<HttpAnswer> {
    return this.request(url, options);
  }

  /** @throws RequestError. */
  async request(url: URL, options: RequestOptions): Promise<HttpAnswer> {
    const { method = 'POST', body = '' } = options;
    assertAllowed(url, this.#rules);
    const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>();
    const agent = url.protocol === 'https:' ? this.#agents['https:'] : this.#agents['http:'];
    const request = (url.protocol === 'https:' ? https : http).request({
      ...addressOf(url, options.query),
      method,
      agent,
      headers:
        method === 'GET'
          ? options.headers
          : { ...options.headers, 'content-length': String(Buffer.byteLength(body)) },
    });
    const fail = (error: RequestError) => {
      reject(error);
      request.destroy(error);
    };
    const timer = setTimeout(
      () => fail(new RequestError('timeout', `no answer within ${options.timeoutMs} ms`)),
      options.timeoutMs,
    );
    request.on('error', (error) => reject(asRequestError(error)));
    request.on('response', (response) => read(response, options, resolve, fail));
    request.end(body);
    using _ =
      options.signal &&
      onAbort(options.signal, () => fail(new RequestError('aborted', 'the call was given up')));
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Closes all connections; requests under way fail. */
  close(): void {
    for (const agent of Object.values(this.#agents)) agent.destroy();
  }
}

/** What a request is sent to; handing Node the URL itself costs several microseconds more. */
function addressOf(url: URL, query: string | undefined): http.RequestOptions {
  const { protocol, hostname, port, pathname, search, username, password } = url;
  const added = query === undefined ? '' : `${search === '' ? '?' : '&'}${query}`;
  return {
    ...{ protocol, port, path: pathname + search + added },
    hostname: hostname.startsWith('[') ? hostname.slice(1, -1) : hostname,
    ...((username !== '' || password !== '') && {
      auth: `${decodeURIComponent(username)}:${decodeURIComponent(password)}`,
    }),
  };
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

function read(
  response: http.IncomingMessage,
  { maxBytes, whenLarger }: RequestOptions,
  resolve: (answer: HttpAnswer) => void,
  fail: (error: RequestError) => void,
): void {
  const chunks: Buffer[] = [];
  let size = 0;
  const done = () => {
    const body = Buffer.concat(chunks).toString('utf8');
    resolve({ status: response.statusCode ?? 0, headers: response.headers, body });
  };
  response.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size <= maxBytes) {
      chunks.push(chunk);
      return;
    }
    if (whenLarger === 'fail') {
      fail(new RequestError('too large', `the answer has more than ${maxBytes} bytes`));
      return;
    }
    chunks.push(chunk.subarray(0, chunk.length - (size - maxBytes)));
    done();
    response.destroy();
  });
  response.on('end', done);
  response.on('error', (error) => fail(asRequestError(error)));
  response.on('aborted', () =>
    fail(new RequestError('unreachable', 'the connection broke during the answer')),
  );
}

function asRequestError(error: Error): RequestError {
  return error instanceof RequestError
    ? error
    : new RequestError('unreachable', messageOf(error), { cause: error });
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
