import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ERR, ImError, make } from '@im/protocol';
import { startApi } from './harness.ts';

const PATH = '/user/get_users_info';
const BODY = { userIDs: ['u1'] };
const few = { ratePerSecond: 0.001, burst: 3 };

test('an address whose tokens fail too often is refused for unknown tokens, without asking auth', async () => {
  await using api = await startApi({ config: { attempts: { tokens: few, trustedProxies: 1 } } });
  const from = (address: string, token: string) =>
    api.post(PATH, BODY, { token, headers: { 'x-forwarded-for': `6.6.6.6, ${address}` } });
  let asked = 0;
  api.stub('auth.parseToken', (_ctx, { token }: { token: string }) => {
    asked++;
    if (!token.startsWith('good')) throw new ImError(ERR.TokenNotExistError);
    return make('auth.ParseTokenResp', {
      userID: 'u1',
      platformID: 5,
      expireTimeSeconds: Date.now() / 1_000 + 60,
    });
  });
  assert.equal((await from('1.1.1.1', 'good')).json.errCode, 0);
  for (let i = 0; i < 3; i++) assert.equal((await from('1.1.1.1', `bad${i}`)).json.errCode, 1507);
  const before = asked;
  const refused = await from('1.1.1.1', 'bad3');
  assert.deepEqual([refused.status, refused.json.errCode], [429, 429]);
  assert.match(refused.json.errDlt, /attempts\.tokens/);
  assert.equal((await from('1.1.1.1', 'good-new')).json.errCode, 429);
  assert.equal(asked, before);
  assert.equal((await from('1.1.1.1', 'good')).json.errCode, 0, 'who is known goes on');
  assert.equal((await from('2.2.2.2', 'good-new')).json.errCode, 0, 'others are not meant');
});

test('failed logins are limited, those that succeed are not', async () => {
  await using api = await startApi({ config: { attempts: { logins: few } } });
  api.stub('auth.getAdminToken', (_ctx, { secret }: { secret: string }) => {
    if (secret !== 'right') throw new ImError(ERR.NoPermissionError, 'secret invalid');
    return make('auth.GetAdminTokenResp', { token: 't' });
  });
  const login = (secret: string, path = '') =>
    api.post(`${path}/auth/get_admin_token`, { userID: 'imAdmin', secret });
  for (let i = 0; i < 10; i++) assert.equal((await login('right')).json.errCode, 0);
  for (let i = 0; i < 3; i++) assert.equal((await login('wrong')).json.errCode, 1002);
  const { status, json } = await login('wrong');
  assert.deepEqual([status, json.errCode], [429, 429]);
  assert.match(json.errDlt, /attempts\.logins/);
  assert.equal((await login('wrong', '/t/t2')).json.errCode, 1002, 'another tenant is not meant');
});

test('parse_token counts as a check of a token', async () => {
  await using api = await startApi({ config: { attempts: { tokens: few } } });
  api.stub('auth.parseToken', () => {
    throw new ImError(ERR.TokenMalformedError);
  });
  const parse = () => api.post('/auth/parse_token', { token: 'x' });
  for (let i = 0; i < 3; i++) assert.equal((await parse()).json.errCode, 1503);
  assert.equal((await parse()).json.errCode, 429);
});
