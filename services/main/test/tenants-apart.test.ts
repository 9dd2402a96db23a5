import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openApi } from '@im/admin-api';
import { describeRoutes } from '@im/api';
import {
  type ApiClient,
  ApiError,
  apiClient,
  connectWire,
  newestSeqs,
  operationID,
  pullAnswers,
  sendMessage,
  textMessage,
  type WireConnection,
  WireError,
} from '@im/client';
import { parseConfig, tenantPath } from '@im/contract';
import { reservePorts } from '@im/dev-stores';
import { eachLimited } from '@im/kit';
import { silentLogger } from '@im/process';
import { ERR, type MessageName } from '@im/protocol';
import { eventually, startStores } from '@im/testing';
import { connect } from '@nats-io/transport-node';
import { runServer } from '../src/index.ts';
import { goodBody } from './good-body.ts';

/** The same users, and objects of the same name, in each. */
const TENANTS = ['default', 't2', 't3'] as const;
type Tenant = (typeof TENANTS)[number];
const USERS = ['u1', 'u2', 'u3'];
const PLATFORM = 1;
const AT_ONCE = 8;
/** Thousands of requests, on a machine with other work. */
const LONG_MS = 540_000;
/** Answers to a token that is none here. */
const TOKEN_ERRORS: ReadonlySet<number> = new Set([
  ...[ERR.TokenExpiredError, ERR.TokenInvalidError, ERR.TokenMalformedError, ERR.TokenNotValidYetError],
  ...[ERR.TokenUnknownError, ERR.TokenKickedError, ERR.TokenNotExistError],
]);

const secretOf = (tenant: Tenant) => `admin secret of ${tenant}`;
const hostOf = (tenant: Tenant) => `${tenant}.example`;
const groupOf = (tenant: Tenant) => `group_of_${tenant}`;
const textOf = (tenant: Tenant) => `text of ${tenant}`;
const pairs = TENANTS.flatMap((from) => TENANTS.filter((to) => to !== from).map((to) => ({ from, to })));

interface Home {
  readonly http: ApiClient;
  readonly admin: string;
  readonly user: string;
  readonly backend: string;
  readonly wire: WireConnection;
  /** Path of its object below an API. */
  readonly object: string;
  /** What the path leads to: a signed URL of the storage. */
  readonly signed: string;
}

const stack = new AsyncDisposableStack();
const homes = new Map<Tenant, Home>();
/** Subject and bytes of everything that NATS carried. */
const carried: { readonly subject: string; readonly data: Buffer }[] = [];
let api = '';
let ws = '';

const homeOf = (tenant: Tenant): Home => {
  const home = homes.get(tenant);
  assert.ok(home, tenant);
  return home;
};

before(async () => {
  const stores = stack.adopt(await startStores('nats', 'mongo', 'redis', 's3'), (each) => each.stop());
  const reserved = stack.adopt(await reservePorts(2), (each) => each.release());
  const [apiPort = 0, gatewayPort = 0] = reserved.ports;
  const { endpoint, accessKey, secretKey, region } = stores.s3;
  const domains = ['auth', 'user', 'msg', 'conversation', 'group', 'relation', 'third'];
  const config = parseConfig({
    listen: { host: '127.0.0.1' },
    ops: { port: 0 },
    api: { port: apiPort },
    gateway: { port: gatewayPort },
    rpc: { encodeInProcess: true, domains: Object.fromEntries(domains.map((name) => [name, { port: 0 }])) },
    nats: { servers: [stores.nats.uri] },
    mongo: { uri: stores.mongo.uri },
    redis: { uri: stores.redis.uri },
    s3: { endpoint, accessKey, secretKey, region },
    // So many wrong tokens are refused with 429 otherwise.
    attempts: { tokens: { ratePerSecond: 0 }, logins: { ratePerSecond: 0 } },
    tenants: TENANTS.map((id) => ({
      ...{ id, tokenSecret: `signing key of ${id}`, adminSecret: secretOf(id), adminUserIDs: ['imAdmin'] },
      ...(id !== 'default' && { hosts: [hostOf(id)] }),
      ...(id === 't3' && { placement: 'Dedicated' }),
    })),
  });
  const server = stack.use(
    await runServer(config, { roles: ['rpc', 'transfer', 'api', 'gateway'], log: silentLogger() }),
  );
  await server.untilReady(AbortSignal.timeout(120_000));
  api = `http://127.0.0.1:${apiPort}`;
  ws = `ws://127.0.0.1:${gatewayPort}`;
  const nats = stack.adopt(await connect({ servers: stores.nats.uri }), (each) => each.close());
  nats.subscribe('im.>', {
    callback: (_error, { subject, data }) => void carried.push({ subject, data: Buffer.from(data) }),
  });
  await nats.flush();
  for (const tenant of TENANTS) homes.set(tenant, await settle(tenant));
});
after(() => stack.disposeAsync());

/** Users, a group, messages and an object of a tenant. */
async function settle(tenant: Tenant): Promise<Home> {
  const base = `${api}${tenantPath(tenant)}`;
  const http = stack.adopt(apiClient(base), (each) => each.close());
  const credentials = { secret: secretOf(tenant), userID: 'imAdmin' };
  const { token: admin } = await http.call<{ token: string }>('/auth/get_admin_token', credentials);
  const as = { token: admin };
  const users = USERS.map((userID) => ({ userID, nickname: userID }));
  await http.call('/user/user_register', { users }, as);
  const user = (
    await http.call<{ token: string }>('/auth/get_user_token', { userID: 'u1', platformID: PLATFORM }, as)
  ).token;
  const groupInfo = { groupID: groupOf(tenant), groupName: 'g', groupType: 2 };
  const group = { groupInfo, ownerUserID: 'u1', memberUserIDs: ['u2'], adminUserIDs: [] };
  await http.call('/group/create_group', group, as);
  const gateway = `${ws}${tenantPath(tenant)}`;
  const wire = stack.adopt(
    await connectWire({ ws: gateway, userID: 'u1', token: user, platformID: PLATFORM }),
    (each) => each.close(),
  );
  await newestSeqs(wire);
  for (const target of [{ user: 'u2' }, { group: groupOf(tenant) }])
    await sendMessage(wire, textMessage('u1', target, `id-${tenant}`, textOf(tenant)));
  const content = Buffer.from(textOf(tenant));
  const announced = { name: 'u1/note.txt', size: content.length, contentType: 'text/plain', group: '' };
  const form = await http.call<{ id: string; url: string; file: string; formData: Record<string, string> }>(
    '/object/initiate_form_data',
    announced,
    { token: user },
  );
  const body = new FormData();
  for (const [field, value] of Object.entries(form.formData)) body.set(field, value);
  body.set(form.file, new Blob([content], { type: 'text/plain' }));
  const uploaded = await fetch(form.url, { method: 'POST', body });
  assert.ok(uploaded.ok, await uploaded.text());
  const { url } = await http.call<{ url: string }>(
    '/object/complete_form_data',
    { id: form.id },
    { token: user },
  );
  const object = url.slice(url.indexOf('/object/'));
  const created = await fetch(`${base}/admin/v1/tokens`, {
    method: 'POST',
    headers: { token: admin, 'content-type': 'application/json' },
    body: JSON.stringify({ description: 'backend', role: 'full' }),
  });
  assert.ok(created.ok, await created.clone().text());
  const { token: backend } = (await created.json()) as { token: string };
  const { headers } = await fetch(`${base}${object}`, { redirect: 'manual' });
  return { http, admin, user, backend, wire, object, signed: headers.get('location') ?? '' };
}

const ROUTES = describeRoutes().filter(({ route }) => route.startsWith('POST '));

/** Code of a route's answer. @param host header, in place of the path of the tenant */
async function codeOf(route: string, to: Tenant, token: string, host?: string): Promise<number> {
  const [, path = ''] = route.split(' ');
  const description = ROUTES.find((each) => each.route === route);
  const [message] = description?.requests ?? [];
  const body = message === undefined ? {} : goodBody(message as MessageName);
  const prefix = host === undefined ? tenantPath(to) : '';
  const { http } = homeOf('default');
  const { body: text } = await http.raw(`${prefix}${path}`, JSON.stringify(body), {
    ...{ token, operationID: operationID(), 'content-type': 'application/json' },
    ...(host !== undefined && { host }),
  });
  return (JSON.parse(Buffer.from(text).toString()) as { errCode: number }).errCode;
}

test('every route refuses the tokens of every other tenant, by path and by host', {
  timeout: LONG_MS,
}, async () => {
  const withoutToken = new Set<string>();
  await eachLimited(ROUTES, AT_ONCE, async ({ route }) => {
    // A token that is nobody's tells which routes ask for one.
    if (!TOKEN_ERRORS.has(await codeOf(route, 't2', 'nobody'))) withoutToken.add(route);
  });
  // It takes the secret instead, which is tried below.
  assert.deepEqual([...withoutToken], ['POST /auth/get_admin_token']);
  let refused = 0;
  for (const { from, to } of pairs) {
    const { admin, user } = homeOf(from);
    await eachLimited(ROUTES, AT_ONCE, async ({ route }) => {
      if (withoutToken.has(route)) return;
      for (const token of [admin, user]) {
        const code = await codeOf(route, to, token);
        assert.ok(TOKEN_ERRORS.has(code), `${route} of ${to} answers a token of ${from} with ${code}`);
        refused++;
      }
      if (to === 'default') return;
      const code = await codeOf(route, to, admin, hostOf(to));
      assert.ok(TOKEN_ERRORS.has(code), `${route} of ${hostOf(to)} answers a token of ${from} with ${code}`);
      refused++;
    });
    await assert.rejects(
      homeOf(to).http.call('/auth/get_admin_token', { secret: secretOf(from), userID: 'imAdmin' }),
      ApiError,
    );
  }
  console.log(`${ROUTES.length} routes, ${refused} requests refused`);
});

test('every operation of the administrators refuses the tokens of every other tenant', {
  timeout: LONG_MS,
}, async () => {
  const paths = openApi('1').paths as Record<string, Record<string, { security?: unknown[] }>>;
  const open: string[] = [];
  for (const { from, to } of pairs) {
    const tokens = [homeOf(from).admin, homeOf(from).backend];
    const all = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { security }]) => ({
        path,
        method,
        isOpen: security?.length === 0,
      })),
    );
    await eachLimited(all, AT_ONCE, async ({ path, method, isOpen }) => {
      if (isOpen) {
        open.push(`${method} ${path}`);
        return;
      }
      const url = `${api}${tenantPath(to)}${path.replaceAll(/\{\w+\}/g, 'u1')}`;
      for (const token of tokens) {
        const { status, body } = await fetch(url, {
          method: method.toUpperCase(),
          headers: { token, ...(method !== 'get' && { 'content-type': 'application/json' }) },
          ...(method !== 'get' && { body: '{}' }),
        });
        await body?.cancel();
        assert.equal(status, 401, `${method} ${path} of ${to} with a token of ${from}`);
      }
    });
  }
  // These take a secret or a code instead, or answer with what belongs to the cookie.
  assert.deepEqual([...new Set(open)].sort(), [
    'get /admin/v1/console/session',
    'post /admin/v1/console/secret-session',
    'post /admin/v1/console/session',
  ]);
});

test('no token opens a connection to another tenant', async () => {
  for (const { from, to } of pairs) {
    for (const userID of ['u1', 'imAdmin']) {
      const token = userID === 'u1' ? homeOf(from).user : homeOf(from).admin;
      const dialled = connectWire({ ws: `${ws}${tenantPath(to)}`, userID, token, platformID: PLATFORM });
      await assert.rejects(dialled, ({ code }: WireError) => TOKEN_ERRORS.has(code), `${from} to ${to}`);
    }
  }
});

test('frames reach what is of their own tenant alone, although users and conversations are called the same', async () => {
  for (const { from, to } of pairs) {
    const { wire, http, admin } = homeOf(from);
    const seqs = await newestSeqs(wire);
    assert.ok('si_u1_u2' in seqs && `sg_${groupOf(from)}` in seqs, JSON.stringify(seqs));
    assert.ok(!(`sg_${groupOf(to)}` in seqs), JSON.stringify(seqs));
    await eventually(async () => {
      const own = await texts(wire, 'si_u1_u2');
      assert.ok(own.includes(textOf(from)), own);
      assert.ok(!own.includes(textOf(to)));
    });
    assert.ok(!(await texts(wire, `sg_${groupOf(to)}`)).includes(textOf(to)));
    const foreign = textMessage('u1', { group: groupOf(to) }, `across-${from}-${to}`, 'across');
    await assert.rejects(sendMessage(wire, foreign), WireError);
    const { groupInfos } = await http.call<{ groupInfos: unknown[] | null }>(
      '/group/get_groups_info',
      { groupIDs: [groupOf(to)] },
      { token: admin },
    );
    assert.deepEqual(groupInfos ?? [], []);
  }
});

/** All that a connection reads of the first messages of a conversation, as it came. */
async function texts(wire: WireConnection, conversationID: string): Promise<string> {
  let found = '';
  for await (const answer of pullAnswers(wire, conversationID, 1, 10))
    found += Buffer.from(answer).toString();
  return found;
}

test('objects of one name are those of the tenant of the address, and no signed URL reaches another bucket', async () => {
  for (const { from, to } of pairs) {
    const { object, signed } = homeOf(from);
    const read = async (url: string) => (await fetch(url)).text();
    assert.equal(await read(signed), textOf(from));
    const there = await fetch(`${api}${tenantPath(to)}${object}`);
    // The name is the same in all of them.
    assert.equal(await there.text(), textOf(to));
    const [bucket, other] = [homeOf(from), homeOf(to)].map((home) => new URL(home.signed).pathname);
    assert.notEqual(bucket, other);
    const changed = new URL(signed);
    changed.pathname = other ?? '';
    const crossed = await fetch(changed);
    assert.equal(crossed.status, 403, await crossed.text());
  }
});

test('no subject of a tenant carries what is of another', () => {
  for (const tenant of TENANTS) {
    const subjects = carried
      .filter(({ data }) => data.includes(textOf(tenant)))
      .map(({ subject }) => subject);
    // The log and deliveries.
    assert.ok(subjects.some((subject) => subject.startsWith(`im.${tenant}.msg.`)));
    assert.ok(subjects.length >= 4, String(subjects.length));
    assert.deepEqual(
      subjects.filter((subject) => !subject.startsWith(`im.${tenant}.`)),
      [],
    );
  }
});
