import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { guardedClient, RequestError } from './http-client.ts';

const OPTIONS = { headers: {}, body: '{}', timeoutMs: 5_000, maxBytes: 1_000, whenLarger: 'cut' } as const;

async function startServer() {
  const urls: string[] = [];
  const server = createServer((request, response) => {
    urls.push(request.url ?? '');
    response.end('taken');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  return { urls, port, [Symbol.asyncDispose]: close };
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
