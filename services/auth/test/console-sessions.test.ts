import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { ERR, make } from '@im/protocol';
import { auditRepo, consoleSessionRepo } from '@im/store';
import { as, codeOf, describeDomain, TENANTS } from '@im/testing';
import { authService } from '../src/index.ts';
import { consoleMethods } from '../src/methods/console-sessions.ts';

const domain = describeDomain(authService, { servers: ['mongo', 'redis'] });
const MINUTE = 60_000;
const [first, second] = TENANTS;

/** They are of the cluster: what other tests left would be listed, and counted. */
beforeEach(async () => {
  for (const name of ['console_login', 'console_session']) await domain.store.shared(name).deleteMany({});
});

/** The methods by a clock that the test moves. */
function clocked() {
  let now = Date.now();
  const methods = consoleMethods(consoleSessionRepo(domain.store), auditRepo(domain.store), () => now);
  return { methods, advance: (ms: number) => (now += ms) };
}

const grant = (tenant: string, role = 'admin') => make('auth.ConsoleGrant', { tenant, role });
const loginOf = (grants = [grant(first)], lifeMs = 10 * MINUTE) =>
  make('auth.CreateConsoleLoginReq', { name: 'ann', grants, lifeMs });
const admin = as(first, 'imAdmin', true);
const anyone = as(first, '');

async function open(methods: ReturnType<typeof clocked>['methods'], request = loginOf()) {
  const { token } = await methods.createConsoleLogin(admin, request);
  const { key, session } = await methods.createConsoleSession(
    anyone,
    make('auth.CreateConsoleSessionReq', { token, address: '10.0.0.1' }),
  );
  const get = async (active = true) =>
    (await methods.useConsoleSession(anyone, make('auth.UseConsoleSessionReq', { key, active }))).session;
  return { token, key, session: session ?? make('auth.ConsoleSession'), get };
}

test('of many who use a link at once, one gets a session; neither link nor key is stored', async () => {
  const { methods } = clocked();
  const { token } = await methods.createConsoleLogin(admin, loginOf());
  const request = make('auth.CreateConsoleSessionReq', { token, address: '10.0.0.1' });
  const opened = await Promise.allSettled(
    Array.from({ length: 8 }, () => methods.createConsoleSession(anyone, request)),
  );
  assert.equal(opened.filter(({ status }) => status === 'fulfilled').length, 1);
  assert.equal(await codeOf(methods.createConsoleSession(anyone, request)), ERR.NoPermissionError);
  const [session] = opened.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  for (const name of ['console_login', 'console_session']) {
    const stored = JSON.stringify(await domain.store.shared(name).find({}).toArray());
    assert.ok(!stored.includes(token) && !stored.includes(session?.key ?? '?'), name);
  }
});

test('a link ends after its life', async () => {
  const { methods, advance } = clocked();
  const { token } = await methods.createConsoleLogin(admin, loginOf([grant(first)], MINUTE));
  advance(MINUTE);
  const request = make('auth.CreateConsoleSessionReq', { token, address: '' });
  assert.equal(await codeOf(methods.createConsoleSession(anyone, request)), ERR.NoPermissionError);
});

test('a session ends after 30 minutes without an act, and after 12 hours in any case', async () => {
  const { methods, advance } = clocked();
  const idle = await open(methods);
  advance(29 * MINUTE);
  assert.ok(await idle.get(false));
  advance(MINUTE);
  assert.equal(await idle.get(), null);

  const used = await open(methods);
  for (let minutes = 0; minutes < 12 * 60 - 20; minutes += 20) {
    assert.ok(await used.get(), `${minutes} minutes`);
    advance(20 * MINUTE);
  }
  assert.ok(await used.get());
  advance(20 * MINUTE);
  assert.equal(await used.get(), null);
});

test('a session that was ended is gone, by whom it may be ended', async () => {
  const { methods } = clocked();
  const own = await open(methods);
  const end = async (ctx: typeof admin, fields: object) =>
    (await methods.removeConsoleSession(ctx, make('auth.RemoveConsoleSessionReq', fields))).ended;
  assert.equal(await end(anyone, { key: own.key }), true);
  assert.equal(await own.get(), null);
  assert.equal(await end(anyone, { key: own.key }), false);

  const other = await open(methods);
  const { sessionID } = other.session;
  assert.equal(await codeOf(end(anyone, { sessionID })), ERR.NoPermissionError);
  assert.equal(await end(as(second, 'imAdmin', true), { sessionID }), false);
  assert.ok(await other.get());
  assert.equal(await end(admin, { sessionID }), true);
  assert.equal(await other.get(), null);
});

test('administrators see the sessions of their tenant, page by page', async () => {
  const { methods } = clocked();
  const ids: string[] = [];
  for (let n = 0; n < 3; n++) ids.push((await open(methods)).session.sessionID);
  await open(methods, loginOf([grant('*')]));
  const list = (ctx: typeof admin, cursor = '') =>
    methods.getConsoleSessions(ctx, make('auth.GetConsoleSessionsReq', { limit: 2, cursor }));
  const page = await list(admin);
  const rest = await list(admin, page.cursor);
  assert.deepEqual(
    [...page.sessions, ...rest.sessions].map(({ sessionID }) => sessionID),
    ids.toSorted(),
  );
  assert.equal(rest.cursor, '');
  assert.deepEqual((await list(as(second, 'imAdmin', true))).sessions, []);
  assert.equal(await codeOf(list(anyone)), ERR.NoPermissionError);
});

test('a login names its rights rightly, and is of the own tenant or of all', async () => {
  const { methods } = clocked();
  const refused = async (fields: object, ctx = admin) =>
    codeOf(methods.createConsoleLogin(ctx, make('auth.CreateConsoleLoginReq', { ...loginOf(), ...fields })));
  assert.equal(await refused({}, anyone), ERR.NoPermissionError);
  assert.equal(await refused({ name: '' }), ERR.ArgsError);
  assert.equal(await refused({ grants: [] }), ERR.ArgsError);
  assert.equal(await refused({ grants: [grant(second)] }), ERR.ArgsError);
  assert.equal(await refused({ grants: [grant(first, 'root')] }), ERR.ArgsError);
  assert.equal(await refused({ lifeMs: 61 * MINUTE }), ERR.ArgsError);
  assert.equal(await refused({ lifeMs: 0 }), ERR.ArgsError);
});

test('waiting links of a tenant are limited; what has expired does not count', async () => {
  const { methods, advance } = clocked();
  for (let n = 0; n < 100; n++) await methods.createConsoleLogin(admin, loginOf());
  assert.equal(await codeOf(methods.createConsoleLogin(admin, loginOf())), ERR.TooManyRequests);
  await methods.createConsoleLogin(as(second, 'imAdmin', true), loginOf([grant(second)]));
  advance(10 * MINUTE);
  await methods.createConsoleLogin(admin, loginOf());
});

test('logins and logouts are in the audit log of the tenant', async () => {
  const { methods, advance } = clocked();
  const { key, session } = await open(methods);
  advance(1);
  await methods.removeConsoleSession(anyone, make('auth.RemoveConsoleSessionReq', { key }));
  const { records } = await auditRepo(domain.store).list(
    first,
    { target: { kind: 'session', id: session.sessionID } },
    10,
  );
  assert.deepEqual(
    records.map(({ act, targetID, address, outcome }) => [act, targetID, address, outcome]),
    ['console.logout', 'console.login'].map((act) => [act, session.sessionID, '10.0.0.1', 'done']),
  );
});

test('a person whom a provider named gets rights in several tenants, and their own name; only the API asks for it', async () => {
  const { methods } = clocked();
  const request = make('auth.GrantConsoleSessionReq', {
    ...{ name: 'sso:ann', provider: 'sso', subject: 's-1', idToken: 'signed', address: '10.0.0.1' },
    grants: [grant(first, 'viewer'), grant(second, 'admin')],
  });
  assert.equal(await codeOf(methods.grantConsoleSession(anyone, request)), ERR.NoPermissionError);
  for (const wrong of [
    { name: 'ann' },
    { name: 'sso:' },
    { name: 'sso:a\u0000' },
    { grants: [] },
    { grants: [grant(first, 'owner')] },
    { grants: [grant('No such name')] },
  ])
    assert.equal(
      await codeOf(
        methods.grantConsoleSession(admin, make('auth.GrantConsoleSessionReq', { ...request, ...wrong })),
      ),
      ERR.ArgsError,
      JSON.stringify(wrong),
    );
  const { key, session } = await methods.grantConsoleSession(admin, request);
  assert.deepEqual(session?.grants, request.grants);
  for (const tenant of [first, second]) {
    const { records } = await auditRepo(domain.store).list(tenant, { admin: 'console:sso:ann' }, 10);
    const details = JSON.parse(records[0]?.details ?? '{}');
    assert.partialDeepStrictEqual(details, { provider: 'sso', subject: 's-1' });
    assert.ok(!JSON.stringify(records).includes('signed'), 'the token of the provider is in no log');
  }
  const ended = await methods.removeConsoleSession(anyone, make('auth.RemoveConsoleSessionReq', { key }));
  assert.partialDeepStrictEqual(ended, { ended: true, provider: 'sso', idToken: 'signed' });
});
