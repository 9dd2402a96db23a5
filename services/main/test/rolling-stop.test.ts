import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseConfig } from '@im/contract';
import { type ReservedPorts, reservePorts, type StartedBackends, startBackends } from '@im/dev-stores';
import { silentLogger } from '@im/process';
import { DOMAINS } from '@im/protocol';
import { type RunningServer, runServer } from '../src/index.ts';

const SETTLE_MS = 2_000;
/** How often the sender of requests checks which processes are ready. */
const LOOK_MS = 200;
const SECRET = 'secret';
type Store = 'nats' | 'mongo' | 'redis' | 's3';

let dir: string;
let backends: StartedBackends<Store>;
let reserved: ReservedPorts;
const running = new Map<string, RunningServer>();

/** Ports of one of the two processes of each role: its domains', then the API's. */
function portsOf(copy: number): number[] {
  const size = DOMAINS.length + 1;
  return reserved.ports.slice(copy * size, (copy + 1) * size);
}

const apiPort = (copy: number) => portsOf(copy).at(-1) ?? 0;

async function start(role: 'rpc' | 'api', copy: number): Promise<void> {
  const { nats, mongo, redis, s3 } = backends;
  const domains = DOMAINS.map((domain, i) => {
    const addresses = [0, 1].map((other) => `127.0.0.1:${portsOf(other)[i]}`);
    return [domain, { port: portsOf(copy)[i], addresses }];
  });
  const config = parseConfig({
    listen: { host: '127.0.0.1' },
    ops: { port: 0 },
    shutdown: { settleMs: SETTLE_MS },
    api: { port: apiPort(copy) },
    nats: { servers: [nats.uri] },
    mongo: { uri: mongo.uri },
    redis: { uri: redis.uri },
    s3: { endpoint: s3.endpoint, accessKey: s3.accessKey, secretKey: s3.secretKey },
    rpc: { domains: Object.fromEntries(domains) },
    tenants: [{ id: 'default', tokenSecret: 's', adminSecret: SECRET }],
  });
  const server = await runServer(config, { roles: [role], log: silentLogger() });
  running.set(`${role} ${copy}`, server);
  await server.untilReady(AbortSignal.timeout(60_000));
}

/** As a signal after `/prestop` stops a process: drained first. */
async function replace(role: 'rpc' | 'api', copy: number): Promise<void> {
  const server = running.get(`${role} ${copy}`);
  assert.ok(server);
  await server.drain();
  await server.stop();
  await start(role, copy);
}

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'im-rolling-'));
  backends = await startBackends({ dir, only: ['nats', 'mongo', 'redis', 's3'] });
  reserved = await reservePorts(2 * (DOMAINS.length + 1));
  for (const copy of [0, 1]) await start('rpc', copy);
  for (const copy of [0, 1]) await start('api', copy);
});
after(async () => {
  await Promise.all([...running.values()].map((server) => server.stop()));
  await backends?.stop();
  await reserved?.release();
  await rm(dir, { recursive: true, force: true });
});

/** The errCode of an answer. @throws when there is none. */
async function post(agent: Agent, port: number, path: string, token: string, body: object): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const headers = { operationID: 'op', token, 'content-type': 'application/json' };
  const sent = request({ agent, host: '127.0.0.1', port, path, method: 'POST', headers }, (response) => {
    let text = '';
    response.on('data', (chunk) => {
      text += chunk;
    });
    response.on('error', reject);
    response.on('end', () => resolve(JSON.parse(text)));
  });
  sent.on('error', reject);
  sent.end(JSON.stringify(body));
  return promise;
}

test('processes of the API and of the domains are replaced one by one, and no request is lost', async (t) => {
  const agent = new Agent({ keepAlive: true });
  const admin = { secret: SECRET, userID: 'imAdmin' };
  const { data } = (await post(agent, apiPort(0), '/auth/get_admin_token', '', admin)) as {
    data: { token: string };
  };
  let ready = [0, 1];
  let over = false;
  let answered = 0;
  const failures: string[] = [];
  const look = async () => {
    while (!over) {
      const now = [0, 1].filter((copy) => running.get(`api ${copy}`)?.readiness().ready);
      await sleep(LOOK_MS);
      ready = now;
    }
  };
  const client = async (turn: number) => {
    for (let n = turn; !over; n++) {
      const copy = ready[n % ready.length] ?? 0;
      const [path, body] =
        n % 2 === 0
          ? ['/user/get_users_info', { userIDs: ['imAdmin'] }]
          : ['/user/user_register', { users: [{ userID: `u${turn}x${n}`, nickname: 'n', faceURL: '' }] }];
      try {
        const answer = (await post(agent, apiPort(copy), String(path), data.token, Object(body))) as {
          errCode: number;
        };
        if (answer.errCode === 0) answered++;
        else failures.push(`${path} by ${copy}: ${JSON.stringify(answer)}`);
      } catch (error) {
        failures.push(`${path} by ${copy}: ${error}`);
      }
      await sleep(3);
    }
  };
  const work = Promise.all([look(), ...[0, 1, 2, 3].map(client)]);
  await sleep(300);
  for (const role of ['rpc', 'api'] as const) for (const copy of [0, 1]) await replace(role, copy);
  await sleep(300);
  over = true;
  await work;
  agent.destroy();
  t.diagnostic(`${answered} requests answered while 4 processes were replaced`);
  assert.deepEqual(failures, []);
  assert.ok(answered > 50, `${answered} answered`);
});
