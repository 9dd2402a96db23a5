import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createProviders, type HttpSend, type Notification, type Outcome } from '../src/index.ts';
import { encryptWebPush } from '../src/web-push-encryption.ts';
import { startGetui, startJpush } from './vendors/aliases.ts';
import { type ApnsReply, startApns } from './vendors/apns.ts';
import { FCM_ERRORS, startFcm } from './vendors/fcm.ts';
import { HUAWEI_CODES, startHms, startHos } from './vendors/huawei.ts';
import { NOTIFICATION } from './vendors/notification.ts';
import type { Vendor } from './vendors/vendor.ts';
import { startWebPush } from './vendors/web-push.ts';
import { MI_CODES, startXiaomi } from './vendors/xiaomi.ts';

function pushTo(vendor: Vendor) {
  const [provider] = createProviders(
    { providers: vendor.settings },
    { send: vendor.send, allowedNetworks: ['127.0.0.1'] },
  ).all;
  assert.ok(provider);
  return async (notification: Notification = NOTIFICATION, devices = [vendor.device()]) => {
    const outcomes = await provider.push(notification, devices, AbortSignal.timeout(5_000));
    return outcomes;
  };
}

test('FCM: each error means what the documents say', async () => {
  await using fcm = await startFcm();
  const push = pushTo(fcm);
  const outcomeOf = async (name: keyof typeof FCM_ERRORS): Promise<Outcome | undefined> => {
    fcm.answer(FCM_ERRORS[name]);
    return (await push())[0];
  };
  const gone = { kind: 'gone', reason: 'INVALID_ARGUMENT' };
  assert.deepEqual(await outcomeOf('badToken'), gone, 'a violation at the token is about the token');
  assert.deepEqual(await outcomeOf('badPayload'), { kind: 'refused', reason: 'INVALID_ARGUMENT' });
  // A wrong service account must not cost every token.
  for (const name of ['senderMismatch', 'apnsKey', 'wrongProject'] as const)
    assert.equal((await outcomeOf(name))?.kind, 'refused', name);
  assert.deepEqual(await outcomeOf('internal'), { kind: 'later', reason: 'INTERNAL', afterMs: 10_000 });
  const quota = await outcomeOf('quotaWithoutWait');
  assert.ok(quota?.kind === 'later' && quota.afterMs >= 60_000 && quota.provider);
});

test('FCM: a service account that cannot be used is named', async () => {
  const faultsOf = (serviceAccount: string) =>
    createProviders({ providers: { fcm: { serviceAccount } } }).faults;
  for (const [json, fault] of [
    ['nothing', /serviceAccount is not JSON/],
    ['{"project_id":"p"}', /has no client_email/],
    [
      JSON.stringify({ project_id: 'p', client_email: 'e', private_key: 'k', token_uri: 'u' }),
      /private_key is not a private key/,
    ],
  ] as const)
    assert.match(faultsOf(json)[0]?.fault ?? '', fault);
});

test('FCM: an account that Google refuses is not asked about for each device', async () => {
  await using fcm = await startFcm();
  const [provider] = createProviders(
    { providers: fcm.settings },
    { send: fcm.send, allowedNetworks: ['127.0.0.1'] },
  ).all;
  fcm.fail('credentials');
  const push = () => provider?.push(NOTIFICATION, [fcm.device()], AbortSignal.timeout(5_000));
  await assert.rejects(Promise.resolve(push()), { name: 'NoAccessToken' });
  await assert.rejects(Promise.resolve(push()), { name: 'NoAccessToken' });
  assert.equal(fcm.logins, 0);
});

test('APNs: each reason means what the documents say', async () => {
  await using apns = await startApns();
  const push = pushTo(apns);
  const kindOf = async (...reply: ApnsReply): Promise<string> => {
    apns.reply(reply);
    const [outcome] = await push();
    return outcome?.kind === 'later' && outcome.provider ? 'later for all' : (outcome?.kind ?? '');
  };
  const refused =
    'BadCollapseId BadExpirationDate BadMessageId BadPriority BadTopic DeviceTokenNotForTopic DuplicateHeaders IdleTimeout InvalidPushType MissingDeviceToken MissingTopic PayloadEmpty TopicDisallowed';
  for (const reason of refused.split(' ')) assert.equal(await kindOf(400, reason), 'refused', reason);
  assert.equal(await kindOf(400, 'BadDeviceToken'), 'gone');
  assert.equal(await kindOf(403, 'Forbidden'), 'refused');
  for (const reason of ['InvalidProviderToken', 'MissingProviderToken'])
    assert.equal(await kindOf(403, reason), 'later for all', reason);
  assert.equal(await kindOf(404, 'BadPath'), 'refused');
  assert.equal(await kindOf(405, 'MethodNotAllowed'), 'refused');
  assert.equal(await kindOf(413, 'PayloadTooLarge'), 'refused');
  assert.equal(await kindOf(429, 'TooManyRequests'), 'later', 'one device is busy, the others are not');
  assert.equal(await kindOf(429, 'TooManyProviderTokenUpdates'), 'later for all');
  for (const [status, reason] of [
    [500, 'InternalServerError'],
    [503, 'ServiceUnavailable'],
    [503, 'Shutdown'],
  ] as const)
    assert.equal(await kindOf(status, reason), 'later for all', reason);
  apns.reply([410, 'ExpiredToken', { timestamp: 1_700_000_000_000 }]);
  assert.deepEqual((await push())[0], { kind: 'gone', reason: 'ExpiredToken', sinceMs: 1_700_000_000_000 });
});

test('APNs: the same message has the same id at a device in every attempt', async () => {
  await using apns = await startApns();
  const push = pushTo(apns);
  const device = apns.device();
  await push(NOTIFICATION, [device]);
  await push(NOTIFICATION, [device]);
  await push({ ...NOTIFICATION, id: 'f'.repeat(32) }, [device]);
  const [first, second, third] = apns.apnsIDs;
  assert.ok(first === second && first !== third);
});

test('APNs: requests that a GOAWAY left unprocessed are repeated, all over one connection at a time', async () => {
  await using apns = await startApns();
  const push = pushTo(apns);
  await push();
  apns.goAway(5);
  const outcomes = await Promise.all(Array.from({ length: 30 }, () => push()));
  assert.ok(outcomes.every(([outcome]) => outcome?.kind === 'taken'));
  const tokens = apns.taken.flatMap((taken) => taken.tokens);
  assert.deepEqual([tokens.length, new Set(tokens).size], [31, 31]);
  assert.equal(apns.connections, 2);
});

for (const start of [startHms, startHos])
  test(`${start.name.slice(5)}: each code means what the documents say, and illegal tokens are gone alone`, async () => {
    await using huawei = await start();
    const push = pushTo(huawei);
    for (const [kind, codes] of Object.entries(HUAWEI_CODES))
      for (const code of codes) {
        huawei.answer(huawei.code(code));
        // Codes of the access token are answered by one repetition.
        huawei.answer(huawei.code(code));
        const [outcome] = await push();
        assert.equal(outcome?.kind, kind, code);
        while ((await push())[0]?.kind !== 'taken');
      }
    const devices = Array.from({ length: 1_000 }, () => huawei.device());
    for (const device of devices.slice(0, 3)) huawei.illegal.add(device.token);
    const outcomes = await push(NOTIFICATION, devices);
    assert.deepEqual(
      outcomes.map(({ kind }) => kind),
      [...Array(3).fill('gone'), ...Array(997).fill('taken')],
    );
    assert.equal((await push(NOTIFICATION, devices.slice(0, 3)))[0]?.kind, 'gone');
  });

test('Xiaomi: each code means what the documents say', async () => {
  await using mi = await startXiaomi();
  const push = pushTo(mi);
  for (const [kind, codes] of Object.entries(MI_CODES))
    for (const code of codes) {
      mi.answerCode(code);
      assert.equal((await push())[0]?.kind, kind, `${code}`);
    }
  const devices = Array.from({ length: 1_000 }, () => mi.device());
  assert.equal((await push(NOTIFICATION, devices)).length, 1_000);
});

test('Getui: a repeated notification is dropped by its request id, and an unbound alias is final', async () => {
  await using getui = await startGetui();
  const push = pushTo(getui);
  const device = getui.device();
  await push(NOTIFICATION, [device]);
  await push(NOTIFICATION, [device]);
  assert.equal(getui.taken.length, 1);
  getui.fail('refuse');
  assert.deepEqual(await push(), [{ kind: 'refused', reason: 'unbound' }]);
});

test('JPush: a send that breaks off is repeated with its id, and each code means what the documents say', async () => {
  await using jpush = await startJpush();
  const push = pushTo(jpush);
  jpush.fail('cut');
  assert.deepEqual(await push(NOTIFICATION, [jpush.device(), jpush.device()]), [
    { kind: 'taken', id: '9' },
    { kind: 'taken', id: '9' },
  ]);
  assert.deepEqual([jpush.attempts, jpush.taken.length, jpush.taken[0]?.badge], [2, 1, '+1']);
  for (const [status, code, kind] of [
    [400, 1_003, 'refused'],
    [401, 1_004, 'later'],
    [400, 1_005, 'refused'],
    [400, 1_008, 'later'],
    [400, 1_011, 'refused'],
    [500, 1_000, 'later'],
  ] as const) {
    jpush.answer({ status, body: { error: { code } } });
    assert.equal((await push())[0]?.kind, kind, `${code}`);
  }
});

test('Web Push: the encryption gives the bytes of RFC 8291, appendix A', () => {
  const of = (text: string) => Buffer.from(text, 'base64url');
  const message = encryptWebPush(
    Buffer.from('When I grow up, I want to be a watermelon'),
    {
      p256dh: of('BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4'),
      auth: of('BTBZMqHH6r4Tts7J_aSIgg'),
    },
    { privateKey: of('yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw'), salt: of('DGv6ra1nlYgDCS1FRnbzlw') },
  );
  assert.equal(
    message.toString('base64url'),
    'DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN',
  );
});

test('Web Push: a message of any length stays within one record', async () => {
  await using service = await startWebPush();
  const push = pushTo(service);
  await push({ ...NOTIFICATION, body: 'x'.repeat(20_000) });
  assert.ok((service.bodies[0] ?? 0) <= 4_096 && (service.bodies[0] ?? 0) > 3_500, `${service.bodies[0]}`);
});

test('Web Push: an endpoint is only called at the hosts of browsers', async () => {
  await using service = await startWebPush();
  const called: string[] = [];
  const send: HttpSend = async (url, request) => {
    called.push(url);
    return await (service.send as HttpSend)(url, request);
  };
  const [provider] = createProviders({ providers: service.settings }, { send }).all;
  const device = service.device();
  for (const endpoint of [
    'https://127.0.0.1/x',
    'https://push.services.mozilla.com.evil.example/x',
    'https://evilpush.services.mozilla.com.example/x',
    'https://updates.push.services.mozilla.com:8443/x',
  ]) {
    const token = JSON.stringify({ ...JSON.parse(device.token), endpoint });
    const outcomes = await provider?.push(NOTIFICATION, [{ ...device, token }], AbortSignal.timeout(1_000));
    assert.deepEqual(outcomes, [{ kind: 'refused', reason: 'host' }], endpoint);
  }
  for (const token of ['', '{}', '{"endpoint":"http://updates.push.services.mozilla.com/x"}'])
    assert.equal(
      (await provider?.push(NOTIFICATION, [{ ...device, token }], AbortSignal.timeout(1_000)))?.[0]?.kind,
      'gone',
    );
  assert.deepEqual(called, []);
});
