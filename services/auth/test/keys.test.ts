import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type TenantSettingsInput, tenantId, tenantSettings, tokenKeysDigest } from '@im/contract';
import { ERR, make } from '@im/protocol';
import { codeOf, newCluster, startStores, type TestStores } from '@im/testing';
import { tokenKey } from '../src/tokens/jwt.ts';
import { type AuthProcess, ctxOf, P1, startAuth } from './harness.ts';

let stores: TestStores<'mongo' | 'redis'>;
const cluster = newCluster();
/** Takes changed settings first. */
let a: AuthProcess;
let b: AuthProcess;
const OTHER = tenantId('other');

before(async () => {
  stores = await startStores('mongo', 'redis');
  a = await startAuth(stores, cluster);
  b = await startAuth(stores, cluster);
  for (const tenant of [P1, OTHER])
    await a.addUsers(tenant, 'u1', 'u2', 'u3', { userID: 'imAdmin', appMangerLevel: 2 });
});
after(async () => {
  await a?.[Symbol.asyncDispose]();
  await b?.[Symbol.asyncDispose]();
  await stores?.stop();
});

type Keys = Omit<TenantSettingsInput, 'id'>;
const OLD = { tokenSecret: 'openIM123', adminSecret: 'letmein' };

function put(keys: Partial<Keys>, ...processes: readonly AuthProcess[]): void {
  const settings = tenantSettings({ id: P1, ...OLD, ...keys });
  for (const { tenants } of processes) tenants.put(settings);
}

async function login(process: AuthProcess, userID: string, platformID = 5, tenant = P1): Promise<string> {
  const request = make('auth.GetUserTokenReq', { userID, platformID });
  return (await process.auth.getUserToken(ctxOf(tenant), request)).token;
}

const parse = (process: AuthProcess, token: string, tenant = P1) =>
  process.auth.parseToken(ctxOf(tenant), make('auth.ParseTokenReq', { token }));
const parsed = (process: AuthProcess, token: string, tenant = P1) => codeOf(parse(process, token, tenant));
const register = (process: AuthProcess, token: string, keysDigest = '') =>
  codeOf(
    process.auth.registerConnection(
      ctxOf(P1),
      make('auth.RegisterConnectionReq', { userID: 'u1', platformID: 5, token, keysDigest }),
    ),
  );
const inMs = (ms: number) => new Date(Date.now() + ms).toISOString();

test('while processes change to another key one after the other, no token is refused, remembered or not', async () => {
  put({}, a, b);
  const old = await login(a, 'u1');
  const bystander = await login(a, 'u1', 5, OTHER);
  const tokens = [old];
  const allPass = async () => {
    for (const process of [a, b]) for (const token of tokens) assert.equal(await parsed(process, token), 0);
    assert.equal(await parsed(b, bystander, OTHER), 0);
  };
  const staged = { secondTokenSecret: 'next' };
  const switched = {
    tokenSecret: 'next',
    secondTokenSecret: OLD.tokenSecret,
    secondTokenSecretUntil: inMs(3_600_000),
  };
  for (const keys of [staged, switched])
    for (const process of [a, b]) {
      put(keys, process);
      tokens.push(await login(process, 'u2', tokens.length), await login(process, 'u3', tokens.length));
      await allPass();
    }
  const bearer = await parse(b, old);
  assert.ok(bearer.expireTimeSeconds <= Date.now() / 1000 + 3_601, 'it expires with its key');
});

test('after the end of a key its tokens are expired, also where they were remembered, and others are not', async () => {
  put({}, a, b);
  const old = await login(a, 'u1');
  const foreign = await login(a, 'u1', 5, OTHER);
  for (const process of [a, b]) assert.equal(await parsed(process, old), 0);
  const ended = { tokenSecret: 'next', secondTokenSecret: OLD.tokenSecret, secondTokenSecretUntil: inMs(0) };
  put(ended, a, b);
  for (const process of [a, b]) assert.equal(await parsed(process, old), ERR.TokenExpiredError);
  assert.equal(await register(a, old), ERR.TokenExpiredError);
  const claims = { userID: 'u1', platformID: 5, expires: Math.floor(Date.now() / 1000) + 1_000 };
  assert.equal(await parsed(a, tokenKey(OLD.tokenSecret).sign(claims, 1)), ERR.TokenExpiredError, 'forged');
  const fresh = await login(b, 'u1');
  assert.equal(await parsed(a, fresh), 0);
  put({ tokenSecret: 'next' }, a, b);
  const another = tokenKey(OLD.tokenSecret).sign(claims, 2);
  assert.equal(await parsed(a, another), ERR.TokenUnknownError, 'a key that is gone is unknown');
  assert.equal(await parsed(a, foreign), ERR.TokenUnknownError, 'that of another tenant as well');
  assert.equal(await parsed(a, foreign, OTHER), 0);
});

test('all tokens of a tenant are revoked, and those issued from then on pass at once', async () => {
  put({}, a, b);
  const old = await login(a, 'u1');
  const bystander = await login(a, 'u1', 5, OTHER);
  assert.equal(await parsed(b, old), 0);
  put({ tokensNotBefore: inMs(0) }, a, b);
  for (const process of [a, b]) assert.equal(await parsed(process, old), ERR.TokenKickedError);
  assert.equal(await register(a, old), ERR.TokenKickedError);
  const fresh = await Promise.all([1, 2, 3, 5].map((platform) => login(a, 'u1', platform)));
  assert.equal(new Set(fresh).size, fresh.length);
  for (const token of fresh) assert.equal(await parsed(b, token), 0);
  assert.equal(await parsed(b, bystander, OTHER), 0);
});

test('a gateway that knows newer keys than auth is asked to try again', async () => {
  put({}, a);
  const token = await login(a, 'u1');
  const revoked = tenantSettings({ id: P1, ...OLD, tokensNotBefore: inMs(0) });
  assert.equal(await register(a, token, tokenKeysDigest(revoked)), ERR.NetworkError);
  a.tenants.put(revoked);
  assert.equal(await register(a, token, tokenKeysDigest(revoked)), ERR.TokenKickedError);
});

test('two admin secrets pass during a change, and the former one not after its end', async () => {
  const ask = (secret: string) =>
    codeOf(a.auth.getAdminToken(ctxOf(P1), make('auth.GetAdminTokenReq', { secret, userID: 'imAdmin' })));
  put({ adminSecret: 'new', secondAdminSecret: 'letmein', secondAdminSecretUntil: inMs(60_000) }, a);
  assert.deepEqual([await ask('new'), await ask('letmein'), await ask('')], [0, 0, ERR.NoPermissionError]);
  put({ adminSecret: 'new', secondAdminSecret: 'letmein', secondAdminSecretUntil: inMs(0) }, a);
  assert.deepEqual([await ask('new'), await ask('letmein')], [0, ERR.NoPermissionError]);
});
