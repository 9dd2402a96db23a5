import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseConfig } from '@im/contract';
import { reservePorts, startBackends } from '@im/dev-stores';
import { silentLogger } from '@im/process';
import { runServer } from '../src/index.ts';

export const ADMIN_SECRET = 'secret';
/** Each on a free port, as other servers run at the same time. */
const DOMAINS = ['auth', 'user', 'msg', 'conversation', 'group', 'relation', 'third'];

export interface Answer {
  readonly status: number;
  readonly text: string;
}

/** A server with the API, all domains and transfer in this process, on real stores, and without limits per user. */
export interface HttpServer extends AsyncDisposable {
  post(path: string, token: string, body: unknown): Promise<Answer>;
  /** @throws AssertionError when the answer is an error. */
  ask<T>(path: string, token: string, body: unknown): Promise<T>;
  /** Token of the tenant's administrator. */
  adminToken(): Promise<string>;
}

/** @param connections kept open to the API. */
export async function startHttpServer({
  connections,
}: {
  readonly connections: number;
}): Promise<HttpServer> {
  await using started = new AsyncDisposableStack();
  const dir = await mkdtemp(join(tmpdir(), 'im-http-'));
  started.defer(() => rm(dir, { recursive: true, force: true }));
  const reserved = await reservePorts(1);
  started.defer(() => reserved.release());
  const { nats, mongo, redis, s3, stop } = await startBackends({
    dir,
    only: ['nats', 'mongo', 'redis', 's3'],
  });
  started.defer(() => stop());
  const port = reserved.ports[0] ?? 0;
  const config = parseConfig({
    listen: { host: '127.0.0.1' },
    ops: { port: 0 },
    api: { port },
    rpc: { domains: Object.fromEntries(DOMAINS.map((name) => [name, { port: 0 }])) },
    nats: { servers: [nats.uri] },
    mongo: { uri: mongo.uri },
    redis: { uri: redis.uri },
    s3: { endpoint: s3.endpoint, accessKey: s3.accessKey, secretKey: s3.secretKey },
    limits: {
      userMessages: { perSecond: 0 },
      userBytes: { perSecond: 0 },
      userChanges: { perSecond: 0 },
      profileChanges: { perMinute: 0 },
    },
    tenants: [{ id: 'default', tokenSecret: 's', adminSecret: ADMIN_SECRET, adminUserIDs: ['imAdmin'] }],
  });
  const server = await runServer(config, { roles: ['rpc', 'transfer', 'api'], log: silentLogger() });
  started.defer(() => server.stop());
  await server.untilReady(AbortSignal.timeout(60_000));
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  started.defer(() => agent.destroy());
  const ended = started.move();

  const post: HttpServer['post'] = (path, token, body) => {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const headers = { operationID: 'op', token, 'content-type': 'application/json' };
    const sent = request({ agent, host: '127.0.0.1', port, path, method: 'POST', headers }, (response) => {
      let text = '';
      response.on('data', (chunk) => {
        text += chunk;
      });
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    sent.on('error', reject);
    sent.end(typeof body === 'string' ? body : JSON.stringify(body));
    return promise;
  };
  async function ask<T>(path: string, token: string, body: unknown): Promise<T> {
    const { text } = await post(path, token, body);
    const { errCode, errDlt, data } = JSON.parse(text) as { errCode: number; errDlt: string; data: T };
    assert.equal(errCode, 0, `${path}: ${errCode} ${errDlt}`);
    return data;
  }
  return {
    post,
    ask,
    async adminToken() {
      const credentials = { secret: ADMIN_SECRET, userID: 'imAdmin' };
      return (await ask<{ token: string }>('/auth/get_admin_token', '', credentials)).token;
    },
    [Symbol.asyncDispose]: () => ended.disposeAsync(),
  };
}
