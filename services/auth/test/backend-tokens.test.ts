import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { tenantId } from '@im/contract';
import { type CallContext, withCaller } from '@im/kit';
import { ERR, make } from '@im/protocol';
import { codeOf, newCluster, startStores, type TestStores } from '@im/testing';
import { tokenKey } from '../src/tokens/jwt.ts';
import { type AuthProcess, ctxOf, P1, startAuth } from './harness.ts';

let stores: TestStores<'mongo' | 'redis'>;
const cluster = newCluster();
let a: AuthProcess;
let b: AuthProcess;
const OTHER = tenantId('other');

before(async () => {
  stores = await startStores('mongo', 'redis');
  a = await startAuth(stores, cluster);
  b = await startAuth(stores, cluster);
  for (const tenant of [P1, OTHER]) await a.addUsers(tenant, 'u1', { userID: 'imAdmin', appMangerLevel: 2 });
});
after(async () => {
  await a?.[Symbol.asyncDispose]();
  await b?.[Symbol.asyncDispose]();
  await stores?.stop();
});

const admin = (tenant = P1): CallContext => ({ ...ctxOf(tenant), opUserID: 'imAdmin', opAdmin: true });

async function create(role: string, tenant = P1, lifeSeconds = 3_600) {
  const request = make('auth.CreateBackendTokenReq', { role, lifeSeconds, description: 'shop' });
  const { token, issued } = await a.auth.createBackendToken(admin(tenant), request);
  assert.ok(issued);
  return { token, issued };
}

const parse = (process: AuthProcess, token: string, acceptRoles = true, tenant = P1) =>
  process.auth.parseToken(ctxOf(tenant), make('auth.ParseTokenReq', { token, acceptRoles }));

test('a token has its role in every process, and is refused by callers that know none, and at gateways', async () => {
  const { token, issued } = await create('read');
  const bearer = await parse(b, token);
  assert.deepEqual([bearer.userID, bearer.platformID, bearer.role], ['imAdmin', 10, 'read']);
  assert.ok(Math.abs(bearer.expireTimeSeconds - (Date.now() / 1000 + 3_600)) < 10);
  assert.equal(issued.expireTime, bearer.expireTimeSeconds * 1000);
  // Processes of an earlier version would give it all rights.
  assert.equal(await codeOf(parse(b, token, false)), ERR.TokenNotExistError);
  const connection = make('auth.RegisterConnectionReq', { userID: 'imAdmin', platformID: 10, token });
  assert.equal(await codeOf(a.auth.registerConnection(ctxOf(P1), connection)), ERR.TokenNotExistError);
});

test('a revoked token ends in every process at once, also where it was remembered', async () => {
  const { token, issued } = await create('full');
  const { token: stays } = await create('full');
  for (const process of [a, b]) await parse(process, token);
  const request = make('auth.RevokeBackendTokenReq', { tokenID: issued.tokenID });
  const { ended } = await b.auth.revokeBackendToken(admin(), request);
  assert.ok((ended?.revokeTime ?? 0) > 0);
  for (const process of [a, b]) assert.equal(await codeOf(parse(process, token)), ERR.TokenKickedError);
  assert.equal(await codeOf(parse(b, stays)), 0);
  const none = make('auth.RevokeBackendTokenReq', { tokenID: 'none' });
  assert.equal(await codeOf(a.auth.revokeBackendToken(admin(), none)), ERR.RecordNotFoundError);
  const elsewhere = await codeOf(a.auth.revokeBackendToken(admin(OTHER), request));
  assert.equal(elsewhere, ERR.RecordNotFoundError, 'another tenant has no such token');
});

test('a forged, an expired and a foreign token are refused', async () => {
  const claims = { userID: 'imAdmin', platformID: 10, expires: Math.floor(Date.now() / 1000) + 1_000 };
  const forge = (backend: { id: string; role: string }) =>
    tokenKey('openIM123').sign({ ...claims, backend }, 1);
  assert.equal(await codeOf(parse(a, forge({ id: 'none', role: 'full' }))), ERR.TokenNotExistError);
  const { token, issued } = await create('read');
  const raised = forge({ id: issued.tokenID, role: 'full' });
  assert.equal(await codeOf(parse(a, raised)), ERR.TokenNotExistError, 'the role is part of what was issued');
  const { token: foreign } = await create('read', OTHER);
  assert.equal(await codeOf(parse(a, foreign)), ERR.TokenUnknownError);
  let now = Date.now();
  const tokens = a.tokens(() => now);
  const settings = a.tenants.get(P1);
  assert.ok(settings);
  now += 3_601_000;
  assert.equal(await codeOf(tokens.verify(settings, token)), ERR.TokenExpiredError);
});

test('tokens are listed newest first, without themselves; what is asked for wrongly is refused by its field', async () => {
  const { issued } = await create('issue');
  const list = (limit: number, cursor = '') =>
    a.auth.searchBackendTokens(admin(), make('auth.SearchBackendTokensReq', { limit, cursor }));
  const first = await list(1);
  assert.deepEqual([first.tokens[0]?.tokenID, first.tokens[0]?.description], [issued.tokenID, 'shop']);
  assert.notEqual(first.cursor, '');
  const rest = await list(500, first.cursor);
  assert.ok(rest.tokens.length >= 3 && rest.cursor === '');
  assert.ok(!JSON.stringify(rest).includes('eyJ'), 'no token is shown');
  for (const [role, life] of [
    ['owner', 3_600],
    ['read', 59],
    ['read', 30 * 86_400 + 1],
  ] as const)
    assert.equal(await codeOf(create(role, P1, life)), ERR.ArgsError, `${role} ${life}`);
  const user = withCaller(ctxOf(P1), { opUserID: 'u1', opPlatformID: 5, opAdmin: false });
  const request = make('auth.CreateBackendTokenReq', { role: 'full', lifeSeconds: 60 });
  assert.equal(await codeOf(a.auth.createBackendToken(user, request)), ERR.NoPermissionError);
});
