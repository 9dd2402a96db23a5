import assert from 'node:assert/strict';
import { Agent, createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { test } from 'node:test';
import { close, listen } from '@im/kit';
import { createMetrics } from '@im/process';
import { guardWrites } from './election.ts';
import { ApiError, ConnectionError, isRefusal, NotLeadingError } from './errors.ts';
import { CONFIG_MAP, NODE, POD } from './resource-types.ts';
import { clientOf } from './rest-client.ts';

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly contentType: string | undefined;
  readonly body: string;
}

type Responder = (request: Seen, response: ServerResponse, n: number) => void;

/** A server with given answers that records its requests. */
async function fake(respond: Responder) {
  const seen: Seen[] = [];
  const server = createServer(async (request: IncomingMessage, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const { method = '', url = '' } = request;
    const asked = { method, url, contentType: request.headers['content-type'], body };
    seen.push(asked);
    respond(asked, response, seen.length);
  });
  const port = await listen(server, '127.0.0.1', 0);
  const agent = new Agent({ keepAlive: true });
  const metrics = createMetrics();
  const target = {
    base: new URL(`http://127.0.0.1:${port}/prefix/`),
    headers: { authorization: 'Bearer x' },
    agent,
  };
  const connection = {
    server: target.base.href,
    namespace: 'default',
    target: () => Promise.resolve(target),
    close: () => agent.destroy(),
  };
  const client = clientOf(connection, { metrics });
  return {
    client,
    seen,
    metrics,
    async [Symbol.asyncDispose]() {
      client.close();
      server.closeAllConnections();
      await close(server);
    },
  };
}

const json = (response: ServerResponse, body: object, status = 200, headers: Record<string, string> = {}) => {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
};
const failure = (code: number, reason: string, details?: object) => ({
  kind: 'Status',
  code,
  reason,
  message: `it is ${reason}`,
  details,
});
const pod = (name: string) => ({ metadata: { name, namespace: 'n', uid: name, resourceVersion: '1' } });
const KEY = { namespace: 'n', name: 'p' };

test('reads are repeated on 5xx, 429 and cut connections', async () => {
  await using server = await fake((_request, response, n) => {
    if (n === 1) json(response, failure(503, 'ServiceUnavailable'), 503);
    else if (n === 2) json(response, failure(429, 'TooManyRequests'), 429);
    else if (n === 3) response.destroy();
    else json(response, pod('p'));
  });
  const found = await server.client.get(POD, KEY);
  assert.equal(found?.kind, 'Pod');
  assert.equal(found?.apiVersion, 'v1');
  assert.equal(server.seen.length, 4);
  assert.equal(server.seen[0]?.url, '/prefix/api/v1/namespaces/n/pods/p');
  const codes = (await server.metrics.values('openim_operator_api_requests_total')).map(
    ({ labels }) => labels.code,
  );
  assert.deepEqual(codes.sort(), ['200', '429', '503', 'none']);
});

test('a manifest that contradicts its schema is not sent again, although the server answers 500', async () => {
  const message = 'failed to create typed patch object: .spec.affinity.x: field not declared in schema';
  await using server = await fake((_request, response) =>
    json(response, { ...failure(500, ''), message }, 500),
  );
  await assert.rejects(server.client.apply(POD, { metadata: KEY }, { fieldManager: 'm' }), (error) => {
    assert.ok(isRefusal(error));
    return true;
  });
  assert.equal(server.seen.length, 1);
});

test('Retry-After is kept, and a wait beyond the deadline is not started', async () => {
  await using server = await fake((_request, response, n) => {
    if (n === 1) json(response, failure(429, 'TooManyRequests'), 429, { 'retry-after': '1' });
    else json(response, pod('p'));
  });
  const startedAt = performance.now();
  await server.client.get(POD, KEY);
  assert.ok(performance.now() - startedAt >= 1_000);

  await using strict = await fake((_request, response) =>
    json(response, failure(429, 'TooManyRequests'), 429, { 'retry-after': '60' }),
  );
  await assert.rejects(strict.client.get(POD, KEY, { deadlineMs: 500 }), {
    status: 429,
    retryAfterMs: 60_000,
  });
  assert.equal(strict.seen.length, 1);
});

test('a creation is not repeated when the server may have acted', async () => {
  await using server = await fake((_request, response) => response.destroy());
  await assert.rejects(server.client.create(POD, { metadata: KEY }), ConnectionError);
  await assert.rejects(server.client.patch(POD, KEY, {}), ConnectionError);
  assert.equal(server.seen.length, 2);
});

test('a request to a pod goes through the API server, and returns the response of the pod', async () => {
  await using server = await fake(({ method, url }, response) => {
    if (method === 'POST') json(response, { errCode: 1 }, 401);
    else if (url.endsWith('/metrics?a=b')) response.end('a 1\n');
    else response.writeHead(503).end('draining');
  });
  assert.equal(await server.client.proxy(KEY, 10_300, 'metrics?a=b'), 'a 1\n');
  assert.equal(server.seen[0]?.url, '/prefix/api/v1/namespaces/n/pods/p:10300/proxy/metrics?a=b');
  await assert.rejects(server.client.proxy(KEY, 10_300, 'readyz'), { status: 503, message: /draining/ });
  assert.equal(server.seen.length, 2);
  await assert.rejects(server.client.proxy(KEY, 10_300, 'drain', { method: 'POST' }), { status: 401 });
  const idle = guardWrites(server.client, () => false);
  await assert.rejects(idle.proxy(KEY, 10_300, 'drain', { method: 'POST' }), NotLeadingError);
  assert.equal(await idle.proxy(KEY, 10_300, 'metrics?a=b'), 'a 1\n');
});

test('a write that repeats itself is not sent again once the leadership has ended', async () => {
  await using server = await fake((_request, response) =>
    json(response, failure(503, 'ServiceUnavailable'), 503),
  );
  const guarded = guardWrites(server.client, () => server.seen.length < 2);
  const object = { metadata: { namespace: 'default', name: 'x' } };
  await assert.rejects(guarded.apply(CONFIG_MAP, object, { fieldManager: 'me' }), NotLeadingError);
  assert.equal(server.seen.length, 2);
});

test('a server that does not answer costs the deadline and no more', async () => {
  await using server = await fake(() => {});
  const startedAt = performance.now();
  await assert.rejects(server.client.get(POD, KEY, { deadlineMs: 200 }), /no answer within/);
  assert.ok(performance.now() - startedAt < 8_000);
  const signal = AbortSignal.timeout(100);
  await assert.rejects(server.client.get(POD, KEY, { signal }), { name: 'TimeoutError' });
});

test('a missing object is undefined; a missing type, namespace or name is reported', async () => {
  await using server = await fake(({ url }, response) =>
    json(response, failure(404, 'NotFound', url.includes('/pods/') ? { name: 'p' } : {}), 404),
  );
  assert.equal(await server.client.get(POD, KEY), undefined);
  assert.equal(await server.client.delete(POD, KEY), false);
  await assert.rejects(server.client.get(CONFIG_MAP, KEY), { status: 404 });
  await assert.rejects(server.client.get(POD, { name: 'p' }), /a Pod needs a namespace/);
  await assert.rejects(server.client.get(NODE, { name: '' }), /a Node needs a name/);
});

test('a refusal carries status, reason, message and details', async () => {
  await using server = await fake((_request, response) =>
    json(response, failure(422, 'Invalid', { causes: [{ field: 'spec.x', message: 'no' }] }), 422),
  );
  const error = await server.client.create(POD, { metadata: KEY }).catch((reason: unknown) => reason);
  assert.ok(error instanceof ApiError);
  assert.equal(error.reason, 'Invalid');
  assert.equal(error.message, 'it is Invalid');
  assert.equal(error.details?.causes?.[0]?.field, 'spec.x');
});

test('lists are read page by page, with the version of the last', async () => {
  await using server = await fake(({ url }, response) => {
    const second = url.includes('continue=more');
    const metadata = second ? { resourceVersion: '9' } : { resourceVersion: '9', continue: 'more' };
    json(response, { metadata, items: [pod(second ? 'b' : 'a')] });
  });
  const list = await server.client.list(POD, { namespace: 'n', labelSelector: 'a=b', pageSize: 1 });
  assert.deepEqual(
    list.items.map(({ metadata }) => metadata.name),
    ['a', 'b'],
  );
  assert.equal(list.resourceVersion, '9');
  assert.equal(list.items[0]?.kind, 'Pod');
  assert.equal(server.seen[0]?.url, '/prefix/api/v1/namespaces/n/pods?labelSelector=a%3Db&limit=1');
});

test('writes say who writes, what, and under which condition', async () => {
  await using server = await fake((_request, response) => json(response, pod('p')));
  await server.client.apply(POD, { metadata: KEY }, { fieldManager: 'me' });
  await server.client.applyStatus(POD, { metadata: KEY }, { fieldManager: 'me', force: false, dryRun: true });
  await server.client.patchStatus(POD, KEY, { phase: 'Running' });
  await server.client.delete(POD, KEY, { uid: 'u', dryRun: true });
  const [apply, status, patch, remove] = server.seen;
  assert.equal(apply?.url, '/prefix/api/v1/namespaces/n/pods/p?fieldManager=me&force=true');
  assert.equal(apply?.contentType, 'application/apply-patch+yaml');
  assert.deepEqual(JSON.parse(apply?.body ?? ''), { apiVersion: 'v1', kind: 'Pod', metadata: KEY });
  assert.match(status?.url ?? '', /pods\/p\/status\?fieldManager=me&force=false&dryRun=All/);
  assert.equal(patch?.contentType, 'application/merge-patch+json');
  assert.equal(patch?.body, '{"status":{"phase":"Running"}}');
  const { preconditions, dryRun } = JSON.parse(remove?.body ?? '');
  assert.deepEqual([preconditions, dryRun], [{ uid: 'u' }, ['All']]);
});

test('a watch gives events over broken lines, and its end and failures are distinguished', async () => {
  const event = (type: string, object: object) => `${JSON.stringify({ type, object })}\n`;
  await using server = await fake(({ url }, response) => {
    response.writeHead(200);
    if (url.includes('resourceVersion=1&')) {
      const text = event('ADDED', pod('ü')) + event('BOOKMARK', { metadata: { resourceVersion: '7' } });
      const bytes = Buffer.from(text);
      const middle = bytes.indexOf(0xc3) + 1;
      response.write(bytes.subarray(0, middle));
      setTimeout(() => response.end(bytes.subarray(middle)), 20);
    } else if (url.includes('resourceVersion=2&')) response.end(event('ERROR', failure(410, 'Expired')));
    else if (url.includes('resourceVersion=3&')) response.end('{"type":"ADD');
    else response.write(event('ADDED', pod('a')));
  });
  const watched = async (resourceVersion: string, silenceMs?: number, signal?: AbortSignal) => {
    const events: unknown[] = [];
    for await (const each of server.client.watch(POD, { resourceVersion, silenceMs, signal })) {
      events.push(each.type === 'BOOKMARK' ? each.resourceVersion : [each.type, each.object.metadata.name]);
    }
    return events;
  };
  assert.deepEqual(await watched('1'), [['ADDED', 'ü'], '7']);
  await assert.rejects(watched('2'), { name: 'ApiError', status: 410 });
  await assert.rejects(watched('3'), /ended in an event/);
  await assert.rejects(watched('4', 100), /silent for 0.1 s/);
  const stop = new AbortController();
  setTimeout(() => stop.abort(new Error('enough')), 50);
  await assert.rejects(watched('4', 10_000, stop.signal), /enough/);
  assert.match(
    server.seen[0]?.url ?? '',
    /watch=true&allowWatchBookmarks=true&resourceVersion=1&timeoutSeconds=[3-6]\d\d/,
  );
});

test('the log of a pod is read line by line, with times, and long lines are cut', async () => {
  await using server = await fake((_request, response) => {
    response.write('2026-01-01T00:00:00.5Z one\n2026-01-01T00:00:01Z a long ');
    setImmediate(() => {
      response.write('line that is not kept whole');
      setImmediate(() => response.end(' at all\n2026-01-01T00:00:02Z two'));
    });
  });
  const lines: unknown[] = [];
  const options = { tailLines: 5, sinceMs: 0, container: 'c', maxLine: 30 };
  for await (const line of server.client.logs(KEY, options)) lines.push(line);
  assert.deepEqual(lines, [
    { time: '2026-01-01T00:00:00.5Z', text: 'one' },
    { time: '2026-01-01T00:00:01Z', text: 'a long li' },
    { time: '2026-01-01T00:00:02Z', text: 'two' },
  ]);
  assert.equal(
    server.seen[0]?.url,
    '/prefix/api/v1/namespaces/n/pods/p/log?container=c&tailLines=5&timestamps=true&sinceTime=1970-01-01T00%3A00%3A00.000Z',
  );
  await using pending = await fake((_request, response) => response.writeHead(204).end());
  for await (const line of pending.client.logs(KEY)) assert.fail(`a line: ${line.text}`);
  await using gone = await fake((_request, response) => response.writeHead(404).end('no such pod'));
  await assert.rejects(
    async () => {
      for await (const _ of gone.client.logs(KEY)) assert.fail('a line');
    },
    { status: 404 },
  );
});
