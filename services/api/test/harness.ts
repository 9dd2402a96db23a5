import { ServerConfig, type ServerConfigInput, tenantSettings } from '@im/contract';
import {
  type CallContext,
  inProcessInvalidations,
  type KnownProcess,
  type Metrics,
  type MutableTenantDirectory,
  staticTenants,
  type Tracing,
} from '@im/kit';
import { createMetrics, type Logger, silentLogger } from '@im/process';
import {
  DOMAINS,
  type Domain,
  ERR,
  ImError,
  type MessageName,
  type Messages,
  make,
  serviceMethods,
} from '@im/protocol';
import { createRpc, type RpcRegistry } from '@im/rpc';
import type { FastifyInstance, InjectOptions } from 'fastify';
import { createApp } from '../src/app.ts';

/** One call that reached a domain. */
export interface Recorded {
  readonly target: string;
  readonly ctx: CallContext;
  readonly request: Record<string, unknown>;
}

/** What a stubbed method answers. */
export type Stub = (ctx: CallContext, request: never) => unknown;

/** The API over domains that only record what they are asked. */
export interface Harness extends AsyncDisposable {
  readonly app: FastifyInstance;
  readonly calls: Recorded[];
  readonly metrics: Metrics;
  readonly tenants: MutableTenantDirectory;
  readonly invalidate: (key: string) => Promise<void>;
  /** Answers this method from now on; the others succeed with an empty response. */
  stub(target: string, answer: Stub): void;
  /** POST with operationID and, by default, the token of user u1. */
  post(url: string, body: unknown, options?: PostOptions): Promise<Answer>;
}

export interface PostOptions {
  readonly token?: string;
  readonly headers?: Record<string, string>;
}

export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly json: { errCode: number; errMsg: string; errDlt: string; data?: unknown };
  readonly headers: Record<string, unknown>;
}

export const ADMIN = { token: 'admin-token' };

const SECRETS = { tokenSecret: 'key', adminSecret: 'secret' };

function parse(_ctx: CallContext, { token }: { token: string }) {
  const expireTimeSeconds = Math.floor(Date.now() / 1000) + 60;
  if (token === 'admin-token')
    return make('auth.ParseTokenResp', { userID: 'imAdmin', platformID: 10, expireTimeSeconds });
  const role = /^role-(\w+)$/.exec(token)?.[1];
  if (role !== undefined)
    return make('auth.ParseTokenResp', { userID: 'imAdmin', platformID: 10, expireTimeSeconds, role });
  const user = /^(\w+)-token$/.exec(token)?.[1];
  if (!user) throw new ImError(ERR.TokenNotExistError);
  return make('auth.ParseTokenResp', { userID: user, platformID: 5, expireTimeSeconds });
}

/** Domains whose methods record and answer; those in `unbuilt` have no methods. */
function bindStubs(
  rpc: RpcRegistry,
  calls: Recorded[],
  stubs: Map<string, Stub>,
  unbuilt: readonly Domain[],
): void {
  for (const domain of DOMAINS) {
    const methods = unbuilt.includes(domain) ? [] : serviceMethods(domain);
    const implementation = Object.fromEntries(
      methods.map(({ name, response }) => [
        name,
        async (ctx: CallContext, request: Messages[MessageName]) => {
          const target = `${domain}.${name}`;
          if (target !== 'auth.parseToken') calls.push({ target, ctx, request: { ...request } });
          return (await stubs.get(target)?.(ctx, request as never)) ?? make(response);
        },
      ]),
    );
    rpc.bind(domain, implementation as never);
  }
}

/** Starts the API in this process; it listens nowhere. */
export async function startApi(
  options: {
    config?: ServerConfigInput;
    unbuilt?: readonly Domain[];
    /** Calls look as if the domains were in another process. */
    remote?: boolean;
    tracing?: Tracing;
    /** @default false */
    consoleOnly?: boolean;
    processes?: readonly KnownProcess[];
    log?: Logger;
  } = {},
): Promise<Harness> {
  const base: ServerConfigInput = { rpc: { encodeInProcess: true }, ...options.config };
  const log = options.log ?? silentLogger();
  const calls: Recorded[] = [];
  const stubs = new Map<string, Stub>([['auth.parseToken', parse as Stub]]);
  const domainsAt = (address?: string) =>
    Object.fromEntries(
      DOMAINS.map((domain) => [domain, { port: 0, ...(address && { addresses: [address] }) }]),
    );
  const homes = options.remote
    ? createRpc(
        ServerConfig.parse({
          ...base,
          listen: { host: '127.0.0.1' },
          rpc: { ...base.rpc, domains: domainsAt() },
        }),
        { log, metrics: createMetrics() },
      )
    : undefined;
  if (homes) {
    bindStubs(homes, calls, stubs, options.unbuilt ?? []);
    await homes.start();
  }
  const address = homes && `127.0.0.1:${homes.ports().get('user')}`;
  const config = ServerConfig.parse({
    ...base,
    rpc: { ...base.rpc, ...(address && { domains: domainsAt(address) }) },
  });
  const metrics = createMetrics();
  const rpc = createRpc(config, { log, metrics, serve: false });
  if (!homes) bindStubs(rpc, calls, stubs, options.unbuilt ?? []);
  const tenants = staticTenants([
    tenantSettings({ id: 'default', ...SECRETS }),
    tenantSettings({ id: 't2', hosts: ['chat.example.com'], adminUserIDs: ['boss'], ...SECRETS }),
  ]);
  const invalidations = inProcessInvalidations();
  const app = await createApp({
    config: config.api,
    attempts: () => config.attempts,
    limits: () => config.limits,
    rpc,
    tenants,
    invalidations,
    metrics,
    log,
    tracing: options.tracing,
    consoleOnly: options.consoleOnly ?? false,
    ...(options.processes && { processes: { list: async () => options.processes ?? [] } }),
  });

  return {
    app,
    calls,
    metrics,
    tenants,
    async invalidate(key) {
      for (const { id } of tenants.list()) await invalidations.publish(id, [key]);
    },
    stub: (target, answer) => stubs.set(target, answer),
    async post(url, body, { token = 'u1-token', headers = {} } = {}) {
      const request: InjectOptions = {
        method: 'POST',
        url,
        headers: { operationID: 'op1', token, 'content-type': 'application/json', ...headers },
        payload: typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body),
      };
      const response = await app.inject(request);
      let json: Answer['json'];
      try {
        json = JSON.parse(response.body);
      } catch {
        json = { errCode: -1, errMsg: '', errDlt: '' };
      }
      return { status: response.statusCode, text: response.body, json, headers: response.headers };
    },
    async [Symbol.asyncDispose]() {
      await app.close();
      await rpc.stop(AbortSignal.timeout(1_000));
      await homes?.stop(AbortSignal.timeout(1_000));
    },
  };
}
