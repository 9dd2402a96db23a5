import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { type TenantId, tenantId } from '@im/contract';
import { ERR, make } from '@im/protocol';
import { MAX_TOKENS_PER_USER, pushTokenRepo } from '@im/store';
import { as, describeDomain, refuses } from '@im/testing';
import { thirdService } from '../src/index.ts';

const [one, several] = [tenantId('t1'), tenantId('t2')];
const secrets = { tokenSecret: 's', adminSecret: 's' };

const jpush = createServer((request, response) => {
  let body = '';
  request.on('data', (chunk: Buffer) => {
    body += chunk;
  });
  request.on('end', () => {
    const unbound = body.includes('"unbound"');
    response.writeHead(unbound ? 400 : 200);
    response.end(
      JSON.stringify(unbound ? { error: { code: 1011, message: 'none' } } : { msg_id: '7', cidlist: [] }),
    );
  });
});
jpush.unref().listen(0, '127.0.0.1');
await once(jpush, 'listening');
const url = `http://127.0.0.1:${(jpush.address() as AddressInfo).port}`;

const domain = describeDomain(thirdService, {
  servers: ['mongo', 's3'],
  tenants: [
    { id: one, ...secrets, push: { providers: { jpush: { appKey: 'a', masterSecret: 'b', url } } } },
    { id: several, ...secrets, multiLogin: { policy: 0 } },
  ],
});

const register = (
  tenant: TenantId,
  userID: string,
  platformID: number,
  kind: string,
  token: string,
  expireTime = 0,
) =>
  domain.third.setPushToken(
    as(tenant, userID),
    make('third.SetPushTokenReq', { userID, platformID, kind, token, expireTime }),
  );
const tokensOf = async (tenant: TenantId, userID: string) =>
  (await pushTokenRepo(domain.store).ofUsers(tenant, [userID], Date.now()))
    .map(({ platformID, token }) => `${platformID} ${token}`)
    .toSorted();
const HEX = 'ab'.repeat(32);

test('a token has a kind, and replaces the one before of its platform', async () => {
  await register(one, 'a', 1, 'apns', HEX);
  await register(one, 'a', 2, 'fcm', 'f:1');
  await register(one, 'a', 11, 'hos', 'h1');
  assert.deepEqual(await tokensOf(one, 'a'), ['1 apns:'.concat(HEX), '11 hos:h1', '2 f:1']);
  await register(one, 'a', 2, 'hms', 'x');
  assert.deepEqual(await tokensOf(one, 'a'), ['1 apns:'.concat(HEX), '11 hos:h1', '2 hms:x']);
  const fcm = make('third.FcmUpdateTokenReq', { account: 'a', platformID: 2, fcmToken: 'mi:r' });
  await domain.third.fcmUpdateToken(as(one, 'a'), fcm);
  const removal = make('third.DelPushTokenReq', { userID: 'a', kind: 'apns', token: HEX });
  await domain.third.delPushToken(as(one, 'a'), removal);
  assert.deepEqual(await tokensOf(one, 'a'), ['11 hos:h1', '2 mi:r']);
});

test('where users have several logins per platform, they have several tokens, in bounded number', async () => {
  for (let i = 0; i < MAX_TOKENS_PER_USER + 3; i++) await register(several, 'a', 5, 'oppo', `t${i}`);
  const tokens = await tokensOf(several, 'a');
  assert.equal(tokens.length, MAX_TOKENS_PER_USER);
  assert.ok(tokens.includes(`5 oppo:t${MAX_TOKENS_PER_USER + 2}`) && !tokens.includes('5 oppo:t0'));
  await domain.third.delUserPushToken(
    as(several, 'a'),
    make('third.DelUserPushTokenReq', { userID: 'a', platformID: 5 }),
  );
  assert.deepEqual(await tokensOf(several, 'a'), []);
});

test('a device that another user takes over no longer gets the notifications of the first', async () => {
  await register(one, 'first', 2, 'fcm', 'shared');
  await register(one, 'second', 2, 'fcm', 'shared');
  assert.deepEqual([await tokensOf(one, 'first'), await tokensOf(one, 'second')], [[], ['2 shared']]);
});

test('a token expires', async () => {
  await register(one, 'e', 2, 'fcm', 'short', 1);
  assert.equal((await tokensOf(one, 'e')).length, 1);
  const later = await pushTokenRepo(domain.store).ofUsers(one, ['e'], Date.now() + 1_001);
  assert.deepEqual(later, []);
});

test('a token that is gone is removed, unless it was registered again since', async () => {
  const devices = pushTokenRepo(domain.store);
  await register(one, 'g', 2, 'fcm', 'gone');
  const [device] = await devices.ofUsers(one, ['g'], Date.now());
  assert.ok(device);
  assert.equal(await devices.removeGone(one, device, device.registered - 1), false);
  assert.equal(await devices.removeGone(one, { ...device, token: 'other' }, Date.now()), false);
  assert.equal((await tokensOf(one, 'g')).length, 1);
  assert.equal(await devices.removeGone(one, device, device.registered), true);
  assert.deepEqual(await tokensOf(one, 'g'), []);
});

test('wrong registrations are refused with the field', async () => {
  await refuses(ERR.ArgsError, register(one, 'a', 12, 'fcm', 'x'));
  await refuses(ERR.ArgsError, register(one, 'a', 1, 'apns', 'no-hex'));
  await refuses(ERR.ArgsError, register(one, 'a', 1, 'pager', 'x'));
  await refuses(ERR.ArgsError, register(one, 'a', 5, 'web', '{"endpoint":"http://push.example"}'));
  await refuses(ERR.ArgsError, register(one, 'a', 2, 'hms', 'with space'));
  const other = make('third.SetPushTokenReq', { userID: 'b', platformID: 2, kind: 'fcm', token: 'x' });
  await refuses(ERR.NoPermissionError, domain.third.setPushToken(as(one, 'a'), other));
});

test('quiet hours are set, read and removed by their user', async () => {
  const quietHours = make('third.QuietHours', {
    startMinute: 1_320,
    endMinute: 420,
    timeZone: 'Asia/Shanghai',
  });
  const set = (fields: object, userID = 'q') =>
    domain.third.setQuietHours(as(one, 'q'), make('third.SetQuietHoursReq', { userID, ...fields }));
  const get = () => domain.third.getQuietHours(as(one, 'q'), make('third.GetQuietHoursReq', { userID: 'q' }));
  assert.equal((await get()).quietHours, null);
  await set({ quietHours });
  await domain.third.setAppBadge(
    as(one, 'q'),
    make('third.SetAppBadgeReq', { userID: 'q', appUnreadCount: 3 }),
  );
  assert.deepEqual({ ...(await get()).quietHours }, { ...quietHours });
  for (const wrong of [
    { startMinute: 1_440 },
    { endMinute: 1_320 },
    { timeZone: 'Mars/Olympus' },
    { timeZone: '' },
  ])
    await refuses(ERR.ArgsError, set({ quietHours: { ...quietHours, ...wrong } }));
  await refuses(ERR.NoPermissionError, set({ quietHours }, 'other'));
  await set({});
  assert.equal((await get()).quietHours, null);
});

test('a test reports what the providers answer for each device of a user', async () => {
  await register(one, 'tested', 2, 'fcm', 'token-with-secret');
  const run = (fields: object, opAdmin = true) =>
    domain.third.testPush(as(one, 'admin', opAdmin), make('third.TestPushReq', fields));
  const { results } = await run({ userID: 'tested' });
  const shown = results.map(({ kind, provider, outcome, reason, id }) => ({
    kind,
    provider,
    outcome,
    reason,
    id,
  }));
  assert.deepEqual(shown, [
    { kind: 'alias', provider: 'jpush', outcome: 'taken', reason: '', id: '7' },
    { kind: 'fcm', provider: '', outcome: 'refused', reason: 'no provider delivers this kind', id: '' },
  ]);
  assert.equal(results[1]?.token, '…secret');
  const [unbound] = (await run({ userID: 'unbound' })).results;
  assert.deepEqual([unbound?.outcome, unbound?.reason], ['refused', 'unbound']);
  await refuses(ERR.ArgsError, run({}));
  await refuses(ERR.ArgsError, run({ userID: 'a', token: 'b' }));
  await refuses(ERR.NoPermissionError, run({ userID: 'tested' }, false));
});

test('tests of a tenant are refused while four of them run, and those of other tenants are not', async () => {
  const run = (tenant: TenantId) =>
    domain.third.testPush(as(tenant, 'admin', true), make('third.TestPushReq', { userID: 'tested' }));
  const running = Array.from({ length: 4 }, () => run(one));
  await refuses(ERR.TooManyRequests, run(one));
  await Promise.all([run(several), ...running]);
  await run(one);
});
