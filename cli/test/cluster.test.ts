import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { EXIT } from '../src/exit-codes.ts';
import { type FakeKubernetes, type FakeObject, startFakeKubernetes } from './fake-kubernetes.ts';
import { type Outcome, type Running, start } from './openimctl.ts';

/** A directory without a running dev. */
const cwd = mkdtempSync(join(tmpdir(), 'im-cluster-'));
after(() => rmSync(cwd, { recursive: true, force: true }));

interface Call {
  readonly path: string;
  readonly body: Record<string, unknown>;
}

const calls: Call[] = [];
/** The HTTP API of a cluster, as far as users are registered. */
const api = createServer(async (request, response) => {
  let body = '';
  for await (const chunk of request) body += chunk;
  calls.push({ path: request.url ?? '', body: body === '' ? {} : JSON.parse(body) });
  const data = request.url === '/auth/get_admin_token' ? { token: 'admin token' } : {};
  response.end(JSON.stringify({ errCode: 0, errMsg: '', errDlt: '', data }));
});
let apiPort = 0;
before(async () => {
  await new Promise<void>((resolve) => api.listen(0, '127.0.0.1', resolve));
  apiPort = (api.address() as AddressInfo).port;
});
after(() => {
  api.closeAllConnections();
  api.close();
});

let kubernetes: FakeKubernetes;
beforeEach(async () => {
  calls.length = 0;
  kubernetes = await startFakeKubernetes({ 10002: apiPort });
});
const started: Running[] = [];
afterEach(async () => {
  for (const { child } of started.splice(0)) child.kill('SIGKILL');
  await kubernetes[Symbol.asyncDispose]();
});

function openimctl(...args: string[]) {
  const running = start(args, { env: { KUBECONFIG: kubernetes.kubeconfig }, cwd });
  started.push(running);
  return running;
}

async function run(...args: string[]): Promise<Outcome> {
  return await openimctl(...args).end();
}

interface Told {
  readonly namespace?: string;
  readonly ready?: boolean;
  readonly api?: string;
}

function cluster(name: string, { namespace = 'im', ready = true, api }: Told = {}): FakeObject {
  const status = ready ? 'True' : 'False';
  const reason = ready ? 'AllAvailable' : 'WorkloadsStarting';
  return {
    metadata: { name, namespace, generation: 1 },
    spec: {},
    status: {
      observedGeneration: 1,
      conditions: [
        { type: 'Ready', status, reason, message: 'rpc starts', lastTransitionTime: '2026-01-01T00:00:00Z' },
      ],
      components: [{ name: 'rpc', ready: ready ? 2 : 1, desired: 2 }],
      endpoints: { ...(api && { api }), adminSecretRef: { name: `${name}-admin` } },
    },
  };
}

function adminSecret(name: string, secret: string): FakeObject {
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  return {
    metadata: { name: `${name}-admin`, namespace: 'im' },
    data: { adminUser: base64('boss'), adminSecret: base64(secret) },
  };
}

describe('commands for a cluster', () => {
  const LOGIN = { path: '/auth/get_admin_token', body: { secret: 'of chat', userID: 'boss' } };

  test('the only cluster is found in any namespace, named, and gets its own secret', async () => {
    kubernetes.put('openimclusters', cluster('chat', { api: `http://127.0.0.1:${apiPort}/` }));
    kubernetes.put('secrets', adminSecret('chat', 'of chat'));
    const { code, stderr, stdout } = await run('user', 'create', 'alice', '-o', 'json');
    assert.equal(code, EXIT.ok, stderr);
    assert.match(stderr, /^openimctl: using cluster im\/chat on http:/);
    assert.equal(JSON.parse(stdout)[0].userID, 'alice');
    assert.deepEqual(calls[0], LOGIN);
  });

  test('with several clusters one must be named', async () => {
    kubernetes.put('openimclusters', cluster('chat', { api: `http://127.0.0.1:${apiPort}` }));
    kubernetes.put('openimclusters', cluster('other', { api: 'http://127.0.0.1:1' }));
    kubernetes.put('secrets', adminSecret('chat', 'of chat'));
    const unnamed = await run('user', 'list');
    assert.equal(unnamed.code, EXIT.usage);
    assert.match(unnamed.stderr, /several clusters: im\/chat, im\/other/);
    assert.equal((await run('user', 'list', '--cluster', 'im/chat')).code, EXIT.ok);
    assert.deepEqual(calls[0], LOGIN);
    const missing = await run('user', 'list', '--cluster', 'chat', '-n', 'elsewhere');
    assert.equal(missing.code, EXIT.usage);
    assert.match(missing.stderr, /there is no OpenIMCluster chat in namespace elsewhere/);
  });

  test('an address that only pods reach is reached through Kubernetes, and the command ends immediately', async () => {
    kubernetes.put('openimclusters', cluster('chat', { api: 'http://chat-api.im.svc:10002' }));
    kubernetes.put('secrets', adminSecret('chat', 'of chat'));
    const notReady = await run('user', 'list', '--cluster', 'chat');
    assert.equal(notReady.code, EXIT.unreachable);
    assert.match(notReady.stderr, /no api pod of im\/chat is ready; openimctl status chat -n im says why/);
    kubernetes.put('pods', {
      metadata: {
        name: 'chat-api-1',
        namespace: 'im',
        labels: {
          'app.kubernetes.io/name': 'openim',
          'app.kubernetes.io/instance': 'chat',
          'app.kubernetes.io/component': 'api',
        },
      },
      spec: { containers: [{ ports: [{ name: 'http', containerPort: 10_002 }] }] },
      status: { conditions: [{ type: 'Ready', status: 'True' }] },
    });
    const endedAfter: number[] = [];
    // A machine that stalls does not stall three times at the same place.
    while (endedAfter.length < 3 && !endedAfter.some((ms) => ms < 2_500)) {
      const running = openimctl('user', 'create', 'bob', '--cluster', 'chat');
      await running.says(/^bob /m);
      const printed = performance.now();
      const { code, stderr } = await running.end();
      assert.equal(code, EXIT.ok, stderr);
      endedAfter.push(performance.now() - printed);
    }
    assert.ok(Math.min(...endedAfter) < 2_500, `ended ${endedAfter.join(', ')} ms after its output`);
    assert.deepEqual(calls[0], LOGIN);
    assert.ok(
      kubernetes.requests.some((line) => line.startsWith('FORWARD /api/v1/namespaces/im/pods/chat-api-1/')),
    );
  });

  test('errors name what is missing: no address yet, no Secret, no operator, no rights', async () => {
    kubernetes.put('openimclusters', cluster('chat'));
    const early = await run('user', 'list', '--cluster', 'chat');
    assert.equal(early.code, EXIT.unreachable);
    assert.match(early.stderr, /no address of the API yet; .*openimctl status chat -n im --wait/);
    kubernetes.put('openimclusters', cluster('chat', { api: `http://127.0.0.1:${apiPort}` }));
    const secretless = await run('user', 'list', '--cluster', 'chat');
    assert.equal(secretless.code, EXIT.usage);
    assert.match(secretless.stderr, /there is no Secret im\/chat-admin; use/);
    kubernetes.fail({ code: 404, message: 'the server could not find the requested resource' });
    const bare = await run('user', 'list', '--cluster', 'chat');
    assert.equal(bare.code, EXIT.environment);
    assert.match(bare.stderr, /knows no OpenIMCluster: install the operator/);
    kubernetes.fail({ code: 403, message: 'User "me" cannot list resource' });
    const forbidden = await run('user', 'list', '--cluster', 'chat');
    assert.equal(forbidden.code, EXIT.refused);
    assert.match(forbidden.stderr, /refuses: User "me" cannot list/);
    assert.equal(calls.length, 0);
  });
});

describe('openimctl status', () => {
  test('prints a screen, or the status for programs', async () => {
    kubernetes.put('openimclusters', cluster('chat'));
    const { code, stdout, stderr } = await run('status');
    assert.equal(code, EXIT.ok, stderr);
    assert.match(stdout, /^im\/chat is ready\n\nCONDITION +STATUS +SINCE\nReady +True/);
    const state = JSON.parse((await run('status', 'im/chat', '-o', 'json')).stdout);
    assert.equal(state.ready, true);
    assert.equal(state.components[0].name, 'rpc');
    assert.match((await run('status', '-o', 'yaml')).stdout, /^cluster: im\/chat\n/);
    kubernetes.put('openimclusters', cluster('other', { ready: false }));
    const several = (await run('status')).stdout;
    assert.match(
      several,
      /^NAMESPACE +NAME +READY +REASON.*\nim +chat +true +AllAvailable\nim +other +false +Work/,
    );
  });

  test('--wait says every two seconds what it waits for, through a lost watch, and ends when all is ready', async () => {
    const waiting = openimctl('status', 'chat', '-n', 'im', '--wait', '--timeout', '30s');
    await waiting.says(/ \d+ s, im\/chat: there is no such OpenIMCluster \(yet\)/);
    kubernetes.put('openimclusters', cluster('chat', { ready: false }));
    await waiting.says(/ \d+ s, im\/chat: WorkloadsStarting: rpc starts \(rpc 1\/2\)/);
    kubernetes.cutWatches();
    await sleep(500);
    kubernetes.put('openimclusters', cluster('chat'));
    const { code, stdout } = await waiting.end();
    assert.equal(code, EXIT.ok);
    assert.match(stdout, /^im\/chat is ready\n/);
  });

  test('--wait that takes too long fails, and says why', async () => {
    kubernetes.put('openimclusters', cluster('chat', { ready: false }));
    const { code, stdout, stderr } = await run('status', '--wait', '--timeout', '4s');
    assert.equal(code, EXIT.unreachable);
    assert.match(stdout, /^im\/chat is not ready: WorkloadsStarting/);
    assert.match(stderr, /im\/chat: not ready after 4 s: WorkloadsStarting: rpc starts \(rpc 1\/2\)\n$/);
  });

  test('--watch prints every change until it is stopped', async () => {
    kubernetes.put('openimclusters', cluster('chat', { ready: false }));
    const watching = openimctl('status', '--watch', '-o', 'json');
    await watching.says(/"ready":false/);
    kubernetes.put('openimclusters', cluster('chat'));
    await watching.says(/"ready":true/);
    const { code, stdout } = await watching.end('SIGINT');
    assert.equal(code, EXIT.ok);
    assert.equal(stdout.trim().split('\n').length, 2);
  });

  test('--timeout without --wait is an error', async () => {
    assert.equal((await run('status', '--timeout', '1s')).code, EXIT.usage);
  });
});

describe('openimctl gateway', () => {
  function gateway(name: string, metadata: Partial<FakeObject['metadata']> = {}): FakeObject {
    return {
      metadata: {
        name,
        namespace: 'im',
        labels: {
          'app.kubernetes.io/name': 'openim',
          'app.kubernetes.io/instance': 'chat',
          'app.kubernetes.io/component': 'gateway',
          'openim.io/gateway-revision': 'abc',
        },
        ...metadata,
      },
      spec: { containers: [], nodeName: 'n1' },
      status: { conditions: [{ type: 'Ready', status: 'True' }] },
    };
  }

  test('gateways are listed, asked to go, and kept after all', async () => {
    kubernetes.put('openimclusters', cluster('chat'));
    kubernetes.put('pods', gateway('chat-gateway-1'));
    const list = async () => JSON.parse((await run('gateway', 'list', '-n', 'im', '-o', 'json')).stdout)[0];
    assert.partialDeepStrictEqual(await list(), { pod: 'chat-gateway-1', node: 'n1', state: 'ready' });
    const drain = await run('gateway', 'drain', 'chat-gateway-1', '-n', 'im', '--reason', 'heap dump');
    assert.equal(drain.code, EXIT.ok, drain.stderr);
    assert.match(drain.stdout, /chat-gateway-1 +n1 +to be replaced +Manual: heap dump/);
    assert.match(drain.stderr, /follow it with: openimctl gateway list -n im/);
    assert.equal((await list()).state, 'to be replaced');
    assert.equal((await run('gateway', 'undrain', 'chat-gateway-1', '-n', 'im')).code, EXIT.ok);
    assert.equal((await list()).state, 'ready');
  });

  test('what cannot be asked is refused, with the next command', async () => {
    const drain = { 'openim.io/drain-since': '2026-01-01T00:00:00Z', 'openim.io/drain-reason': 'ScaleIn' };
    kubernetes.put('pods', gateway('chat-gateway-1', { annotations: drain }));
    kubernetes.put('pods', gateway('chat-gateway-2', { deletionTimestamp: '2026-01-01T00:00:00Z' }));
    kubernetes.put('pods', gateway('chat-gateway-3'));
    kubernetes.put('pods', gateway('chat-api-1', { labels: {} }));
    for (const [verb, pod, message] of [
      ['drain', 'chat-gateway-9', /there is no pod chat-gateway-9 .*openimctl gateway list -n im/],
      ['drain', 'chat-api-1', /pod chat-api-1 is no gateway; openimctl gateway list -n im/],
      ['drain', 'chat-gateway-2', /chat-gateway-2 is being deleted/],
      ['undrain', 'chat-gateway-1', /drains for another reason: ScaleIn/],
      ['undrain', 'chat-gateway-3', /was not asked to drain; openimctl gateway list -n im/],
    ] as const) {
      const { code, stderr } = await run('gateway', verb, pod, '-n', 'im');
      assert.equal(code, EXIT.usage, stderr);
      assert.match(stderr, message);
    }
  });
});

describe('openimctl cluster logs', () => {
  const pod = (name: string): FakeObject => ({
    metadata: {
      ...{ name, namespace: 'im' },
      labels: {
        'app.kubernetes.io/name': 'openim',
        'app.kubernetes.io/instance': 'chat',
        'app.kubernetes.io/component': 'rpc',
      },
    },
    spec: { containers: [{ name: 'rpc' }] },
  });
  const at = (second: number, text: string) => `2026-01-01T00:00:0${second}.5Z ${text}`;
  beforeEach(() => {
    kubernetes.put('openimclusters', cluster('chat'));
    kubernetes.put('pods', pod('chat-rpc-1'));
    kubernetes.put('pods', pod('chat-rpc-22'));
    kubernetes.log('chat-rpc-1', [at(1, 'one'), at(3, 'three')]);
    kubernetes.log('chat-rpc-22', [at(2, 'two\x1b[31m')]);
  });

  test('lines of all pods are printed by time, each behind its pod, and steer no terminal', async () => {
    const { code, stdout, stderr } = await run('cluster', 'logs', 'chat', '-n', 'im', '--role', 'rpc');
    assert.equal(code, EXIT.ok, stderr);
    assert.equal(stdout, 'chat-rpc-1  | one\nchat-rpc-22 | two?[31m\nchat-rpc-1  | three\n');
    const last = await run('cluster', 'logs', 'chat', '-n', 'im', '--pod', 'chat-rpc-1', '--tail', '1');
    assert.equal(last.stdout, 'chat-rpc-1 | three\n');
  });

  test('-f goes on through a lost connection without repeating, and picks up new pods', async () => {
    const following = openimctl('cluster', 'logs', 'chat', '-n', 'im', '--role', 'rpc', '-f');
    await following.says('three');
    kubernetes.log('chat-rpc-1', [at(1, 'one'), at(3, 'three'), at(4, 'four')]);
    kubernetes.cutWatches();
    await following.says('four');
    kubernetes.put('pods', pod('chat-rpc-3'));
    kubernetes.log('chat-rpc-3', [at(5, 'newcomer')]);
    await following.says(/chat-rpc-3 +\| newcomer/);
    const { code, stdout } = await following.end('SIGINT');
    assert.equal(code, EXIT.ok);
    assert.equal(stdout.match(/one/g)?.length, 1);
    assert.equal(stdout.match(/three/g)?.length, 1);
  });
});
