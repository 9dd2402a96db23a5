import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { CertificateAuthority } from '@im/dev-stores';
import { createMetrics } from '@im/process';
import { ERR, type ImError, make } from '@im/protocol';
import { ExplainedError } from '../src/admin/failure.ts';
import { apiServerURL } from '../src/console/kubernetes/api-server.ts';
import { createClusterResources } from '../src/console/kubernetes/cluster-resource.ts';
import { startApi } from './harness.ts';

const CLUSTER = { kind: 'OpenIMCluster', metadata: { namespace: 'im', name: 'chat', generation: 1 } };
const MEGABYTES = 3 * 1_048_576;
type Listener = (request: IncomingMessage, response: ServerResponse) => void;

/** What an API server does wrong, or one that is none. */
describe('reads from an API server', () => {
  const authority = CertificateAuthority.create('test');
  let dir = '';
  let server: Server;
  let url = '';
  let asked: IncomingMessage[] = [];
  let answer: Listener = () => {};

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'cluster-resource-'));
    await writeFile(join(dir, 'ca.crt'), authority.certificate);
    await writeFile(join(dir, 'other.crt'), CertificateAuthority.create('other').certificate);
    const { certificate: cert, key } = authority.issue({
      usage: 'server',
      commonName: 'api',
      hosts: ['127.0.0.1'],
    });
    server = createServer({ cert, key }, (request, response) => {
      asked.push(request);
      answer(request, response);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(async () => {
    server?.closeAllConnections();
    server?.close();
    await rm(dir, { recursive: true, force: true });
  });
  beforeEach(() => {
    asked = [];
    answer = (_request, response) => response.end(JSON.stringify(CLUSTER));
  });

  const settings = (more: object = {}) => ({
    ...{ namespace: 'im', name: 'chat', server: url, caFile: join(dir, 'ca.crt') },
    ...more,
  });
  function resources(more: object = {}) {
    const made = createClusterResources(settings(more), createMetrics(), {});
    return Object.assign(made, { [Symbol.dispose]: () => made.close() });
  }
  /** Kind and text of the fault of a read. */
  async function faultOf(read: Promise<unknown>): Promise<ExplainedError> {
    const error = await read.then(
      () => assert.fail('it was read'),
      (failure: unknown) => failure,
    );
    assert.ok(error instanceof ExplainedError, String(error));
    assert.ok(error.explanation.remedy, 'with a remedy');
    return error;
  }
  async function kindWith(listener: Listener): Promise<string | undefined> {
    answer = listener;
    using made = resources();
    return (await faultOf(made.read('token'))).kind;
  }

  test('each read asks with the token that it was given, and no other: nothing is kept', async () => {
    using made = resources();
    for (const token of ['one', 'two', 'one']) assert.equal((await made.read(token)).name, 'chat');
    assert.deepEqual(
      asked.map(({ headers, url: path }) => [headers.authorization, path]),
      ['one', 'two', 'one'].map((token) => [
        `Bearer ${token}`,
        '/apis/openim.io/v1alpha1/namespaces/im/openimclusters/chat',
      ]),
    );
  });

  test('a server that cannot be verified or reached gets no token', async () => {
    using unknown = resources({ caFile: join(dir, 'other.crt') });
    assert.equal((await faultOf(unknown.read('token'))).kind, 'unreachable');
    using system = resources({ caFile: '' });
    assert.equal((await faultOf(system.read('token'))).kind, 'unreachable');
    using missing = resources({ caFile: join(dir, 'none.crt') });
    assert.match((await faultOf(missing.read('token'))).message, /api\.console\.resource\.caFile/);
    using closed = resources({ server: 'https://127.0.0.1:9' });
    assert.match((await faultOf(closed.read('token'))).message, /ECONNREFUSED/);
    using unnamed = resources({ server: '' });
    assert.match((await faultOf(unnamed.read('token'))).message, /api\.console\.resource\.server/);
    assert.deepEqual(asked, []);
  });

  test('a CA file that changes is read again', async () => {
    const caFile = join(dir, 'changing.crt');
    await writeFile(caFile, CertificateAuthority.create('before').certificate);
    using made = resources({ caFile });
    assert.equal((await faultOf(made.read('token'))).kind, 'unreachable');
    await writeFile(caFile, authority.certificate);
    assert.equal((await made.read('token')).name, 'chat');
  });

  test('redirects are not followed, and large or strange answers are refused', async () => {
    const redirect: Listener = (request, response) =>
      request.url === '/elsewhere'
        ? response.end(JSON.stringify(CLUSTER))
        : response.writeHead(302, { location: `${url}/elsewhere` }).end();
    assert.equal(await kindWith(redirect), 'invalidAnswer');
    assert.equal(asked.length, 1);
    const large: Listener = (_request, response) => response.end('x'.repeat(MEGABYTES));
    assert.equal(await kindWith(large), 'invalidAnswer');
    for (const text of ['', 'null', '[]', '<html>', '{"kind":"Secret","data":{"a":"b"}}'])
      assert.equal(await kindWith((_request, response) => response.end(text)), 'invalidAnswer', text);
    assert.equal(await kindWith((_request, response) => response.writeHead(500).end('no')), 'invalidAnswer');
    assert.equal(await kindWith((_request, response) => response.writeHead(404).end()), 'notFound');
    assert.equal(await kindWith((request) => request.socket.destroy()), 'unreachable');
  });

  test('a server that does not answer, or not to the end, is not waited for', async () => {
    assert.equal(await kindWith(() => {}), 'timeout');
    assert.equal(await kindWith((_request, response) => void response.write('{')), 'timeout');
  });

  test('names of users that would need quotes are in no command', async () => {
    const message = `openimclusters.openim.io "chat" is forbidden: User "a'; rm -rf ~ #" cannot get resource`;
    answer = (_request, response) => response.writeHead(403).end(JSON.stringify({ message }));
    using made = resources();
    const { explanation } = await faultOf(made.read('token'));
    assert.doesNotMatch(JSON.stringify(explanation), /rm -rf|--as/);
  });

  test('a read that nobody waits for any more is cancelled, and many at once are refused', async () => {
    answer = () => {};
    using made = resources();
    const stop = new AbortController();
    const read = made.read('token', stop.signal);
    while (asked.length === 0) await new Promise(setImmediate);
    const { socket } = asked[0] ?? assert.fail('a request');
    const closed = new Promise((resolve) => socket.once('close', resolve));
    stop.abort();
    await assert.rejects(read, { name: 'AbortError' });
    await closed;
    const others = new AbortController();
    const waiting = Array.from({ length: 32 }, () => made.read('token', others.signal).catch(() => {}));
    await assert.rejects(made.read('token'), ({ code }: ImError) => code === ERR.TooManyRequests);
    others.abort();
    await Promise.all(waiting);
  });

  test('the address is that of the environment of pods, unless one is set', () => {
    const [KUBERNETES_SERVICE_HOST, KUBERNETES_SERVICE_PORT] = ['10.96.0.1', '443'];
    const of = (host: string) =>
      apiServerURL({ server: '' }, { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT });
    assert.equal(of(KUBERNETES_SERVICE_HOST), 'https://10.96.0.1:443');
    assert.equal(of('fd00::1'), 'https://[fd00::1]:443');
    assert.equal(apiServerURL({ server: 'https://api.example.com/' }, {}), 'https://api.example.com');
    assert.equal(apiServerURL({ server: '' }, {}), undefined);
  });

  test('wrong tokens count as failed logins', async () => {
    answer = (_request, response) => response.writeHead(401).end('{}');
    const attempts = { logins: { ratePerSecond: 0.001, burst: 2 } };
    await using api = await startApi({ config: { api: { console: { resource: settings() } }, attempts } });
    const grants = [make('auth.ConsoleGrant', { tenant: '*', role: 'admin' })];
    const session = make('auth.ConsoleSession', { name: 'ann', grants, expireTime: Date.now() + 60_000 });
    api.stub('auth.useConsoleSession', () => make('auth.UseConsoleSessionResp', { session }));
    const give = () =>
      api.app.inject({
        ...{ method: 'PUT', url: '/admin/v1/cluster/resource/token', payload: { token: 'guess' } },
        headers: {
          ...{ host: 'im.example.com', origin: 'https://im.example.com', 'x-openim-console': '1' },
          cookie: `__Host-im_console=${'k'.repeat(43)}`,
        },
      });
    assert.deepEqual([(await give()).statusCode, (await give()).statusCode], [403, 403]);
    assert.equal((await give()).statusCode, 429);
    assert.equal(asked.length, 2, 'the third was not tried');
  });

  test('without a resource the server says that it is not on Kubernetes', async () => {
    using made = resources({ namespace: '', name: '' });
    assert.equal(made.named, undefined);
    const { kind, explanation } = await faultOf(made.read('token'));
    assert.deepEqual([kind, explanation.field], ['notOnKubernetes', 'api.console.resource']);
    assert.deepEqual(asked, []);
  });
});
