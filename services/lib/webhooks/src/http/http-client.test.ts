import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { guardedClient } from './http-client.ts';
import { RequestError } from './request-error.ts';

const OPTIONS = { headers: {}, body: '{}', timeoutMs: 5_000, maxBytes: 1_000, whenLarger: 'cut' } as const;

type Respond = (response: ServerResponse, request: IncomingMessage) => void;

async function startServer(respond: Respond = (response) => response.end('taken')) {
  const urls: string[] = [];
  let connections = 0;
  const server = createServer((request, response) => {
    urls.push(request.url ?? '');
    respond(response, request);
  });
  server.on('connection', () => connections++);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  return {
    urls,
    port,
    url: new URL(`http://127.0.0.1:${port}/hook`),
    get connections() {
      return connections;
    },
    [Symbol.asyncDispose]: close,
  };
}

const clientOf = (proxyEnv?: Record<string, string>) => guardedClient([], 1, proxyEnv);

test('an internal address is refused, written as address or as name', async () => {
  await using server = await startServer();
  const client = clientOf();
  for (const host of ['127.0.0.1', '[::1]', '[::ffff:127.0.0.1]', '2130706433', 'localhost'])
    await assert.rejects(
      client.post(new URL(`http://${host}:${server.port}/`), OPTIONS),
      (error) => error instanceof RequestError && /internal address/.test(error.message),
      host,
    );
  assert.deepEqual(server.urls, []);
  client.close();
});

test('a proxy may be internal and is given names, but no internal address', async () => {
  await using proxy = await startServer();
  const client = clientOf({ HTTP_PROXY: `http://localhost:${proxy.port}` });
  const answer = await client.post(new URL('http://vendor.example/send'), OPTIONS);
  assert.equal(answer.body, 'taken');
  await assert.rejects(client.post(new URL('http://10.0.0.1/send'), OPTIONS), /internal address/);
  assert.deepEqual(proxy.urls, ['http://vendor.example/send']);
  client.close();
});

test('hosts in NO_PROXY are called directly, under the same rules', async () => {
  await using server = await startServer();
  const client = clientOf({ HTTP_PROXY: 'http://proxy.example:1', NO_PROXY: 'localhost' });
  await assert.rejects(client.post(new URL(`http://localhost:${server.port}/`), OPTIONS), /internal address/);
  client.close();
});

test('a client whose connections cannot be set up says so, and tries again at the next request', async () => {
  await using proxy = await startServer();
  const env = { HTTP_PROXY: 'http://[' };
  const client = clientOf(env);
  const url = new URL('http://vendor.example/send');
  await assert.rejects(
    client.post(url, OPTIONS),
    (error) => error instanceof RequestError && error.failure === 'unreachable',
  );
  env.HTTP_PROXY = `http://localhost:${proxy.port}`;
  assert.equal((await client.post(url, OPTIONS)).body, 'taken');
  client.close();
});

/** The same over both kinds of connections: a proxy that is asked for no host is not used. */
const TRANSPORTS = { direct: undefined, 'for proxies': { NO_PROXY: '127.0.0.1' } } as const;

for (const [name, proxyEnv] of Object.entries(TRANSPORTS)) {
  const local = (connections = 1) => guardedClient(['127.0.0.1'], connections, proxyEnv);
  const failure = (kind: string) => (error: unknown) =>
    error instanceof RequestError && error.failure === kind;

  test(`${name}: requests carry what they are given, one after the other over the same connection`, async () => {
    const seen: unknown[] = [];
    await using server = await startServer((response, { method, headers }) => {
      const { authorization, 'content-length': length, 'x-id': id } = headers;
      seen.push([method, authorization, length, id]);
      response.writeHead(503, { 'retry-after': '7' }).end('later');
    });
    const client = local();
    const url = new URL(server.url);
    [url.username, url.password, url.search] = ['ann', 'p%40ss', '?a=1'];
    const answer = await client.post(url, {
      ...OPTIONS,
      headers: { 'x-id': '9' },
      query: 'key=b',
      body: 'é',
    });
    assert.deepEqual([answer.status, answer.headers['retry-after'], answer.body], [503, '7', 'later']);
    await client.request(server.url, { ...OPTIONS, method: 'GET' });
    const basic = `Basic ${Buffer.from('ann:p@ss').toString('base64')}`;
    assert.deepEqual(seen, [
      ['POST', basic, '2', '9'],
      ['GET', undefined, undefined, undefined],
    ]);
    assert.deepEqual([server.urls, server.connections], [['/hook?a=1&key=b', '/hook'], 1]);
    client.close();
  });

  test(`${name}: a user or password that is not percent-encoded is a failure of the address`, async () => {
    const client = local();
    for (const user of ['%zz', 'ann:%zz'])
      await assert.rejects(client.post(new URL(`http://${user}@127.0.0.1:1/`), OPTIONS), failure('address'));
    client.close();
  });

  test(`${name}: no more connections than allowed are made`, async () => {
    const waiting: ServerResponse[] = [];
    await using server = await startServer((response) => {
      waiting.push(response);
      if (waiting.length === 2) setImmediate(() => waiting.splice(0).forEach((each) => void each.end()));
    });
    const client = local(2);
    await Promise.all(Array.from({ length: 6 }, () => client.post(server.url, OPTIONS)));
    assert.equal(server.connections, 2);
    client.close();
  });

  test(`${name}: an answer that is too large is cut or refused, and one that stops is a failure`, async () => {
    await using large = await startServer((response) => {
      response.write('x'.repeat(600));
      response.end('y'.repeat(100_000));
    });
    await using broken = await startServer((response) => {
      response.writeHead(200, { 'content-length': '1000' });
      response.write('x', () => response.socket?.destroy());
    });
    const client = local();
    const { body } = await client.post(large.url, { ...OPTIONS, maxBytes: 700 });
    assert.equal(body, 'x'.repeat(600) + 'y'.repeat(100));
    await assert.rejects(
      client.post(large.url, { ...OPTIONS, maxBytes: 700, whenLarger: 'fail' }),
      failure('too large'),
    );
    await assert.rejects(client.post(broken.url, OPTIONS), /the connection broke during the answer/);
    client.close();
  });

  test(`${name}: a receiver that hangs, and a caller who gives up, end the request and its connection`, async () => {
    const closed: Promise<unknown>[] = [];
    await using server = await startServer((response) => void closed.push(once(response, 'close')));
    const client = local();
    await assert.rejects(client.post(server.url, { ...OPTIONS, timeoutMs: 50 }), failure('timeout'));
    const giveUp = new AbortController();
    const asked = client.post(server.url, { ...OPTIONS, signal: giveUp.signal });
    // It waits for the connection, or for the answer.
    setImmediate(() => giveUp.abort());
    await assert.rejects(asked, failure('aborted'));
    const late = client.post(server.url, { ...OPTIONS, signal: giveUp.signal });
    await assert.rejects(late, failure('aborted'));
    await Promise.all(closed);
    client.close();
  });

  test(`${name}: closing ends requests under way; redirects are not followed`, async () => {
    await using server = await startServer((response, { url }) => {
      if (url === '/moved') response.writeHead(302, { location: '/hook' }).end();
      else client.close();
    });
    const client = local();
    const moved = await client.post(new URL('/moved', server.url), OPTIONS);
    assert.equal(moved.status, 302);
    await assert.rejects(client.post(server.url, OPTIONS), failure('unreachable'));
    const other = local();
    await assert.rejects(other.post(new URL('http://127.0.0.1:1/'), OPTIONS), failure('unreachable'));
    other.close();
  });
}
