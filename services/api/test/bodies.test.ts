import assert from 'node:assert/strict';
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { ServerConfigInput } from '@im/contract';
import { ADMIN, startApi } from './harness.ts';

const PATH = '/user/get_users_info';
const USUAL = '/user/get_all_users_uid';

interface Pending {
  readonly request: ClientRequest;
  readonly answer: Promise<{ status: number; text: string }>;
}

async function listening(config: ServerConfigInput['api'] = {}) {
  const api = await startApi({ config: { api: config } });
  await api.app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = api.app.server.address() as AddressInfo;

  /** A request whose body is still to be written. */
  function begin(path: string, headers: Record<string, string>): Pending {
    const request = httpRequest({ host: '127.0.0.1', port, path, method: 'POST', headers, agent: false });
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    request.on('response', resolve);
    request.on('error', reject);
    const answer = promise.then(async (response) => {
      let text = '';
      for await (const chunk of response) text += String(chunk);
      return { status: response.statusCode ?? 0, text };
    });
    answer.catch(() => undefined);
    return { request, answer };
  }
  return { api, begin, [Symbol.asyncDispose]: () => api[Symbol.asyncDispose]() };
}

const known = { operationID: 'op', token: 'u1-token' };

test('who asks is known before a body is read', async () => {
  await using server = await listening();
  const never = { 'content-length': '8000000' };
  for (const [headers, refusal] of [
    [{ token: 'u1-token' }, /must have operationID/],
    [{ operationID: 'op' }, /must have token/],
    [{ operationID: 'op', token: 'unknown' }, /1507/],
  ] as const) {
    const { request, answer } = server.begin(PATH, { ...headers, ...never });
    request.flushHeaders();
    assert.match((await answer).text, refusal);
    request.destroy();
  }
});

test('each route has a body limit, for its length, its bytes and its decompressed bytes', async () => {
  await using server = await listening();
  const long = server.begin(USUAL, { ...known, 'content-length': '65537' });
  long.request.flushHeaders();
  const { status, text } = await long.answer;
  assert.equal(status, 413);
  assert.match(text, /body is larger than 65536 bytes, the limit of this route: it has 65537/);
  long.request.destroy();

  const chunked = server.begin(USUAL, known);
  chunked.request.write(Buffer.alloc(70_000, ' '));
  assert.match((await chunked.answer).text, /body is larger than 65536 bytes/);
  chunked.request.destroy();

  const zipped = { headers: { 'content-encoding': 'gzip' } };
  const { api } = server;
  const bomb = await api.post(USUAL, gzipSync(Buffer.alloc(65_537, ' ')), zipped);
  assert.match(bomb.json.errDlt, /body is larger than 65536 bytes/);
  // What 1,000 ids need fits.
  const userIDs = Array.from({ length: 1_000 }, (_, i) => `${i}`.padStart(64, 'u'));
  assert.equal((await api.post(PATH, { userIDs })).json.errCode, 0);
  const users = Array.from({ length: 1_000 }, (_, i) => ({
    userID: `u${i}`,
    nickname: 'n',
    ex: 'e'.repeat(2_000),
  }));
  assert.equal((await api.post('/user/user_register', { users }, ADMIN)).json.errCode, 0);
});

test('bodies together are bounded; what is refused may be tried again', async () => {
  await using server = await listening({ maxBodyBytes: 100_000 });
  const size = { 'content-length': '60000' };
  const first = server.begin(USUAL, { ...known, ...size });
  first.request.write(Buffer.alloc(59_000, ' '));
  const held = () =>
    server.api.metrics.text().then((text) => Number(/^openim_api_body_bytes (\d+)/m.exec(text)?.[1]));
  while ((await held()) < 59_000) await new Promise((resolve) => setTimeout(resolve, 5));

  const second = server.begin(USUAL, { ...known, ...size });
  second.request.end(Buffer.alloc(60_000, ' '));
  const { status, text } = await second.answer;
  assert.deepEqual([status, JSON.parse(text).errCode], [429, 429]);
  assert.match(text, /api.maxBodyBytes/);

  first.request.destroy();
  while ((await held()) > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  const third = server.begin(USUAL, { ...known, ...size });
  const body = '{"pagination":{"pageNumber":1,"showNumber":1}}';
  third.request.end(body.padEnd(60_000));
  assert.equal(JSON.parse((await third.answer).text).errCode, 0);
  while ((await held()) > 0) await new Promise((resolve) => setTimeout(resolve, 5));
});

test('a request that does not arrive in time ends', { timeout: 60_000 }, async () => {
  await using server = await listening({ arrivalTimeoutMs: 200 });
  const slow = server.begin(USUAL, { ...known, 'content-length': '1000' });
  slow.request.write('{');
  const outcome = await slow.answer.then(
    ({ status }) => status,
    () => 'closed',
  );
  assert.ok(outcome === 408 || outcome === 'closed', String(outcome));
});
