import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { describeRoutes } from '@im/api';
import { type FieldLimit, type MessageName, messageLimits } from '@im/protocol';
import { CONTENT, DEPTH, goodBody } from './good-body.ts';
import { type HttpServer, startHttpServer } from './http-server.ts';

const AT_ONCE = 8;
/** Most characters of a text that is as long as it may be: bodies of other routes test what is larger. */
const LONG = 5_000;

/** Routes that answer 500 whatever they are asked, as OpenIM does without etcd and without versions of blacklists. */
const ALWAYS_500 = new Set([
  '/config/set_config',
  '/config/reset_config',
  '/config/set_enable_config_manager',
  '/restart',
  '/friend/get_incremental_blacks',
]);
/** What they take away is needed by the others. */
const LAST = [
  '/group/quit_group',
  '/group/kick_group',
  '/group/dismiss_group',
  '/friend/delete_friend',
  '/auth/force_logout',
];

let server: HttpServer;
before(async () => {
  server = await startHttpServer({ connections: AT_ONCE });
});
after(() => server?.[Symbol.asyncDispose]());

/** Values of any type; one decoder reads all fields of a kind, so the wrong ones for it take turns. */
const OF_ANY_TYPE: readonly unknown[] = [null, '', 'text', 0, -1, 1.5, true, [], {}, [null], ['']];
/** Values of a wrong type that a field gets when the same field was asked for with all of them before. */
const WRONG_TYPES_AGAIN = 2;
/** Fields, by message and limit, that were given every value of a wrong type. */
const given = new Set<string>();
let turn = 0;

/** Whether a value has the type of the field, so that it passes the decoder. */
function fits({ kind, entries, keyChars }: FieldLimit, value: unknown): boolean {
  if (entries !== undefined)
    return keyChars === undefined
      ? Array.isArray(value)
      : typeof value === 'object' && value !== null && !Array.isArray(value);
  switch (kind) {
    case 'id':
    case 'text':
    case 'bytes':
      return typeof value === 'string';
    case 'number':
      return typeof value === 'number';
    case 'bool':
      return typeof value === 'boolean';
    case 'message':
      return typeof value === 'object' && !Array.isArray(value);
  }
}

/** All values of any type for a field that is new; of those of a wrong type only some for one that is known. */
function valuesOfAnyType(field: string, limit: FieldLimit): unknown[] {
  const name = `${field} ${JSON.stringify(limit)}`;
  if (!given.has(name)) {
    given.add(name);
    return [...OF_ANY_TYPE];
  }
  const wrong = OF_ANY_TYPE.filter((value) => !fits(limit, value));
  const some = Array.from({ length: WRONG_TYPES_AGAIN }, () => wrong[turn++ % wrong.length]);
  return [...OF_ANY_TYPE.filter((value) => fits(limit, value)), ...some];
}

/** Values of one field that are no use: of another type, empty, negative, as small and as large as they may be. */
function wrongValues(field: string, limit: FieldLimit, depth: number): unknown[] {
  // One decoder reads what is deeper: there the values of the right type count.
  const ofAnyType = depth === DEPTH ? valuesOfAnyType(field, limit) : [null, '', -1, {}];
  const least = limit.kind === 'number' ? [limit.least, limit.most, limit.most + 1] : [];
  const long = limit.kind === 'id' || limit.kind === 'text' ? Math.min(limit.chars, LONG) : 0;
  const texts = long === 0 ? [] : ['x'.repeat(long), '$a.b', '({[/../', '\u0000', '\ud800'];
  const ones = [...least, ...texts];
  if (limit.entries === undefined) return [...ofAnyType, ...ones];
  if (limit.keyChars !== undefined)
    return [...ofAnyType, { '': '' }, { '$a.b': 'x' }, ...ones.map((one) => ({ key: one }))];
  return [...ofAnyType, ...ones.map((one) => [one]), [1, 1], ['a', 'a'], [[]], [{}]];
}

/** Bodies that are good but for one field, however deep, with the path of the field. */
function* wrongBodies(
  name: MessageName,
  depth = DEPTH,
): Generator<{ body: Record<string, unknown>; field: string }> {
  const good = goodBody(name, { depth });
  for (const [field, limit] of messageLimits(name)) {
    const { [field]: _, ...missing } = good;
    yield { body: missing, field };
    for (const value of wrongValues(field, limit, depth)) yield { body: { ...good, [field]: value }, field };
    if (limit.kind !== 'message' || depth === 0) continue;
    for (const { body, field: inner } of wrongBodies(limit.message, depth - 1)) {
      const value = limit.entries === undefined ? body : [body];
      yield { body: { ...good, [field]: value }, field: `${field}.${inner}` };
    }
  }
}

function* requestsOf(path: string, name: MessageName): Generator<{ body: object; field: string }> {
  yield { body: {}, field: '' };
  const withContent = path === '/msg/send_msg' || path === '/msg/batch_send_msg';
  for (const { body, field } of wrongBodies(name))
    yield { body: withContent ? { ...body, content: CONTENT } : body, field };
  if (!withContent) return;
  const good = goodBody(name);
  for (const content of [
    null,
    '',
    1,
    [],
    {},
    { content: '' },
    { content: {} },
    { content: 1 },
    { content: '\ud800' },
  ])
    for (const contentType of [101, 102, 103, 104, 105, 106, 110, 114, 118, 1400])
      yield { body: { ...good, contentType, content }, field: `content of ${contentType}` };
}

describe('requests that are wrong', () => {
  let admin: string;
  let user: string;

  before(async () => {
    const { ask } = server;
    admin = await server.adminToken();
    const users = ['u1', 'u2', 'u3'].map((userID) => ({ userID, nickname: userID, faceURL: '' }));
    await ask('/user/user_register', admin, { users });
    ({ token: user } = await ask<{ token: string }>('/auth/get_user_token', admin, {
      userID: 'u1',
      platformID: 5,
    }));
    await ask('/friend/import_friend', admin, { ownerUserID: 'u1', friendUserIDs: ['u2'] });
    const groupInfo = { groupID: 'g1', groupName: 'g', groupType: 2 };
    await ask('/group/create_group', admin, { ownerUserID: 'u1', memberUserIDs: ['u2'], groupInfo });
    const message = { sendID: 'u1', recvID: 'u2', contentType: 101, sessionType: 1, content: CONTENT };
    await ask('/msg/send_msg', admin, message);
  });

  test('no route takes a wrong request for an internal failure', { timeout: 600_000 }, async (t) => {
    const failures = new Map<string, string>();
    const codes = new Map<number, number>();
    const routes = describeRoutes().flatMap(({ route, admin: only, requests: [name] }) => {
      const [method, path = ''] = route.split(' ');
      return method === 'POST' && !ALWAYS_500.has(path)
        ? [{ path, admin: only, name: name ?? 'api.Empty' }]
        : [];
    });
    const rank = ({ path }: { path: string }) => LAST.indexOf(path);
    routes.sort((a, b) => rank(a) - rank(b));
    assert.ok(routes.length > 130, String(routes.length));
    const startedAt = performance.now();
    const cpuBefore = process.cpuUsage();
    let sent = 0;
    for (const { path, name, admin: only } of routes) {
      const url =
        path === '/msg/send_simple_msg'
          ? `${path}?key=${Buffer.from('{"recvID":"u1","sendID":"u2"}').toString('base64')}`
          : path;
      const queue = requestsOf(path, name as MessageName);
      const worker = async (): Promise<void> => {
        for (const { body, field } of queue) {
          // Checks of a user's own rights come before what is asked, so administrators get further.
          const { status, text } = await server.post(url, only || sent++ % 3 > 0 ? admin : user, body);
          const { errCode, errDlt } = JSON.parse(text) as { errCode: number; errDlt: string };
          codes.set(errCode, (codes.get(errCode) ?? 0) + 1);
          if (status < 500 && errCode !== 500) continue;
          const shown = JSON.stringify(body).slice(0, 300);
          failures.set(`${path} ${field}: ${errDlt}`, `${status} ${shown}`);
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, worker));
    }
    const counts = [...codes].sort(([a], [b]) => a - b).map(([code, n]) => `${code}: ${n}`);
    const requests = [...codes.values()].reduce((a, b) => a + b);
    const seconds = Math.round((performance.now() - startedAt) / 1_000);
    const { user: inUser, system } = process.cpuUsage(cpuBefore);
    const cpu = Math.round((inUser + system) / 1_000_000);
    t.diagnostic(`${requests} requests in ${seconds} s, ${cpu} s of CPU; ${counts.join(', ')}`);
    assert.deepEqual(
      [...failures].map(([what, how]) => `${what} <- ${how}`),
      [],
    );
  });
});
