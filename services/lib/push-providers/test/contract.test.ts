import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createProviders, type Outcome } from '../src/index.ts';
import { startGetui, startJpush } from './vendors/aliases.ts';
import { startApns } from './vendors/apns.ts';
import { startFcm } from './vendors/fcm.ts';
import { startHms, startHos } from './vendors/huawei.ts';
import { NOTIFICATION } from './vendors/notification.ts';
import { startReceiver } from './vendors/receiver.ts';
import { type Fault, RETRY_AFTER_S, type Vendor } from './vendors/vendor.ts';
import { startWebPush } from './vendors/web-push.ts';
import { startXiaomi } from './vendors/xiaomi.ts';

const VENDORS: readonly (() => Promise<Vendor>)[] = [
  startFcm,
  startApns,
  startHms,
  startHos,
  startXiaomi,
  startGetui,
  startJpush,
  startWebPush,
  startReceiver,
];

/** What each fault is to a device. */
const EXPECTED: Readonly<Partial<Record<Fault, Outcome['kind']>>> = {
  gone: 'gone',
  overload: 'later',
  unavailable: 'later',
  html: 'later',
  refuse: 'refused',
  credentials: 'later',
};

async function setUp(start: () => Promise<Vendor>) {
  const vendor = await start();
  const providers = createProviders(
    { providers: vendor.settings },
    { send: vendor.send, allowedNetworks: ['127.0.0.1'] },
  );
  assert.deepEqual(providers.faults, []);
  const [provider] = providers.all;
  assert.ok(provider);
  return {
    vendor,
    provider,
    push: (notification = NOTIFICATION, devices = [vendor.device()], ms = 5_000) =>
      provider.push(notification, devices, AbortSignal.timeout(ms)),
    async [Symbol.asyncDispose]() {
      providers.close();
      await vendor[Symbol.asyncDispose]();
    },
  };
}

for (const start of VENDORS) {
  const name = start.name.replace('start', '');

  test(`${name} takes a notification as its documents want it`, async () => {
    await using set = await setUp(start);
    const device = set.vendor.device();
    const [outcome] = await set.push(NOTIFICATION, [device]);
    assert.equal(outcome?.kind, 'taken', JSON.stringify(outcome));
    const [taken] = set.vendor.taken;
    assert.deepEqual(taken?.tokens, [device.token]);
    assert.deepEqual([taken?.title, taken?.body], ['Ann', 'Hello']);
  });

  test(`${name} gets text that is too long cut between characters`, async () => {
    await using set = await setUp(start);
    const ex = JSON.stringify('"'.repeat(3_000));
    for (const letter of ['x', '界', '😀', '"', '\u0001']) {
      const body = letter.repeat(9_000);
      const [outcome] = await set.push({ ...NOTIFICATION, body, data: { ex } });
      assert.equal(outcome?.kind, 'taken', `${letter}: ${JSON.stringify(outcome)}`);
      const shown = set.vendor.taken.at(-1)?.body ?? '';
      assert.ok(shown.length > 20 && shown.isWellFormed(), `${letter}: ${shown.slice(0, 40)}`);
      assert.equal(shown.replaceAll(letter, '').replace('…', ''), '');
    }
  });

  test(`${name} says of a device what its answers mean`, async () => {
    await using set = await setUp(start);
    for (const [fault, kind] of Object.entries(EXPECTED) as [Fault, Outcome['kind']][]) {
      if (set.vendor.without.includes(fault)) continue;
      // The access token exists, so that the fault meets the notification.
      await set.push();
      set.vendor.fail(fault);
      const [outcome] = await set.push();
      assert.equal(outcome?.kind, kind, `${fault}: ${JSON.stringify(outcome)}`);
      if (fault === 'overload' && outcome.kind === 'later')
        assert.ok(outcome.afterMs >= Math.min(RETRY_AFTER_S * 1_000, 10_000), `${outcome.afterMs} ms`);
    }
    assert.equal((await set.push())[0]?.kind, 'taken');
  });

  test(`${name} is asked again once when the access token was revoked`, async () => {
    await using set = await setUp(start);
    if (set.vendor.without.includes('expiredAccess')) return;
    await set.push();
    set.vendor.fail('expiredAccess');
    const [outcome] = await set.push();
    // Apple allows no other token so soon.
    assert.equal(outcome?.kind, set.vendor.name === 'apns' ? 'later' : 'taken', JSON.stringify(outcome));
  });

  test(`${name}: without an answer the outcome is unknown, and the next call works`, async () => {
    await using set = await setUp(start);
    await set.push();
    if (!set.vendor.without.includes('cut')) {
      set.vendor.fail('cut');
      await assert.rejects(set.push());
    }
    set.vendor.fail('hang');
    await assert.rejects(set.push(NOTIFICATION, undefined, 200));
    assert.equal((await set.push())[0]?.kind, 'taken');
  });

  test(`${name} is not looked for inside of the server's network, by address or by name`, async () => {
    await using vendor = await start();
    // The endpoints of browsers are held to the list of push services.
    if (vendor.name === 'webPush') return;
    for (const host of ['127.0.0.1', 'localhost']) {
      const settings = JSON.parse(JSON.stringify(vendor.settings).replaceAll('//127.0.0.1', `//${host}`));
      const providers = createProviders({ providers: settings });
      const pushed = providers.all[0]?.push(NOTIFICATION, [vendor.device()], AbortSignal.timeout(5_000));
      await assert.rejects(pushed ?? Promise.resolve(), /internal address/);
      providers.close();
    }
    assert.deepEqual([vendor.taken.length, vendor.logins], [0, 0]);
  });

  test(`${name} asks for one access token for many notifications`, async () => {
    await using set = await setUp(start);
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => set.push()));
    assert.ok(outcomes.every(([outcome]) => outcome?.kind === 'taken'));
    assert.ok(set.vendor.logins <= 1, `${set.vendor.logins}`);
    assert.equal(set.vendor.taken.length, 20);
  });
}
