import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PushSettings, tenantId } from '@im/contract';
import { createMetrics, silentLogger } from '@im/process';
import { make } from '@im/protocol';
import { allOf, type Outcome, type ProviderSet } from '@im/push-providers';
import type { RegisteredDevice } from '@im/store';
import { type FakeAnswer, fakeProvider, fakeSet } from '../../test/fake-provider.ts';
import { fakeRedis } from '../../test/fake-redis.ts';
import { sharedClaims } from '../claims.ts';
import { WakeLimit } from '../rate-limit.ts';
import type { Wake } from '../wake/notification.ts';
import { HandOff } from './hand-off.ts';
import { ProvidersByTenant } from './tenant-providers.ts';

const tenant = tenantId('t1');
const signal = new AbortController().signal;
const device = (userID: string, token: string, registered = 0): RegisteredDevice => ({
  userID,
  platformID: 1,
  token,
  registered,
});
const wakeOf = (userIDs: readonly string[], iOSBadgeCount = false): Wake => ({
  tenant,
  operationID: 'op',
  conversationID: 'sg_g',
  message: make('sdkws.MsgData', {
    contentType: 101,
    serverMsgID: 's',
    offlinePushInfo: make('sdkws.OfflinePushInfo', { iOSBadgeCount }),
  }),
  userIDs,
});

function setUp(options: {
  readonly set: ProviderSet;
  readonly tokens?: readonly RegisteredDevice[];
  readonly redis?: Map<string, string>;
  readonly badges?: Map<string, number>;
  readonly settings?: object;
  readonly callMs?: number;
  readonly waitMs?: number;
}) {
  const removed: [token: string, until: number][] = [];
  const badges = options.badges ?? new Map<string, number>();
  const settings = PushSettings.parse({
    providers: { jpush: { appKey: 'a', masterSecret: 'b' } },
    ...options.settings,
  });
  const handOff = new HandOff({
    providers: new ProvidersByTenant({
      settingsOf: () => settings,
      otherwise: undefined,
      log: silentLogger(),
      create: () => options.set,
      callMs: options.callMs ?? 1_000,
    }),
    tokens: {
      ofUsers: async (_tenant, users) =>
        (options.tokens ?? []).filter(({ userID }) => users.includes(userID)),
      async removeGone(_tenant, { token }, until) {
        removed.push([token, until]);
        return true;
      },
    },
    preferences: {
      badgesOf: async (_tenant, users) => new Map(users.map((user) => [user, badges.get(user) ?? 0])),
      async raiseBadges(_tenant, users) {
        for (const user of users) badges.set(user, (badges.get(user) ?? 0) + 1);
      },
    },
    claims: sharedClaims(fakeRedis(options.redis ?? new Map())),
    keyOf: (_wake, ...parts) => parts.join(' '),
    limit: new WakeLimit({ perMinute: 600, burst: 10, now: () => 0 }),
    log: silentLogger(),
    metrics: createMetrics(),
    waitMs: options.waitMs ?? 2_000,
  });
  return { handOff, removed, badges };
}

test('each token goes to the provider of its kind; users without any are unreachable', async () => {
  const [fcm, apns, alias] = ['fcm', 'apns', 'getui'].map((name) => fakeProvider({ name }));
  const tokens = [device('a', 'f1'), device('a', 'apns:ab'), device('b', 'apns:cd'), device('b', 'hms:x')];
  const { handOff } = setUp({ set: fakeSet(undefined, { fcm, apns }), tokens });
  assert.equal(await handOff.notify(wakeOf(['a', 'b', 'c']), 'd1', signal), undefined);
  const tokensOf = (provider: typeof fcm) =>
    provider?.pushed.flatMap(({ devices }) => devices.map(({ token }) => token));
  assert.deepEqual([tokensOf(fcm), tokensOf(apns)], [['f1'], ['ab', 'cd']]);
  const both = setUp({ set: fakeSet(alias, { fcm, apns }), tokens });
  await both.handOff.notify(wakeOf(['a', 'c']), 'd1', signal);
  assert.deepEqual(alias?.users, ['a', 'c']);
});

test('vendors that know users by alias all get them, each once', async () => {
  const [one, two] = [fakeProvider({ name: 'getui' }), fakeProvider({ name: 'jpush' })];
  const set = fakeSet(one);
  const aliases = [one, two].map((provider) => ({ provider, users: 'all' as const }));
  const { handOff } = setUp({ set: { ...set, all: [one, two], aliases } });
  for (let i = 0; i < 2; i++) await handOff.notify(wakeOf(['a']), 'd1', signal);
  assert.deepEqual([one.users, two.users], [['a'], ['a']]);
});

test('only the devices that were not taken are tried again', async () => {
  const answer: FakeAnswer = ({ devices }, call) =>
    devices.map(({ userID }): Outcome => {
      if (call > 1) return { kind: 'taken' };
      if (userID === 'late') return { kind: 'later', reason: 'busy', afterMs: 9_000 };
      return userID === 'no' ? { kind: 'refused', reason: 'x' } : { kind: 'taken' };
    });
  const provider = fakeProvider({ maxDevices: 10, answer });
  const { handOff } = setUp({ set: fakeSet(provider) });
  const wake = wakeOf(['ok', 'late', 'no']);
  assert.equal(await handOff.notify(wake, 'd1', signal), 9_000);
  assert.equal(await handOff.notify(wake, 'd1', signal), undefined);
  assert.equal(await handOff.notify(wake, 'd1', signal), undefined);
  assert.deepEqual(provider.users, ['ok', 'late', 'no', 'late']);
});

test('a token that is gone is removed, unless it was registered after the vendor lost it', async () => {
  const answer: FakeAnswer = ({ devices }) =>
    devices.map(({ token }) => ({ kind: 'gone', reason: 'x', ...(token === 'aa' && { sinceMs: 5_000 }) }));
  const apns = fakeProvider({ answer });
  const { handOff, removed } = setUp({
    set: fakeSet(undefined, { apns }),
    tokens: [device('a', 'apns:aa'), device('a', 'apns:bb')],
  });
  const before = Date.now();
  await handOff.notify(wakeOf(['a']), 'd1', signal);
  assert.deepEqual(removed[0], ['apns:aa', 5_000]);
  assert.equal(removed[1]?.[0], 'apns:bb');
  assert.ok((removed[1]?.[1] ?? 0) >= before);
  await handOff.notify(wakeOf(['a']), 'd1', signal);
  assert.equal(apns.pushed.length, 2);
});

test('a process killed among 1,000 devices leaves in doubt only those whose requests were under way', async () => {
  const redis = new Map<string, string>();
  const users = Array.from({ length: 1_000 }, (_, i) => `u${i}`);
  const tokens = users.map((user) => device(user, `f-${user}`));
  const dead = Promise.withResolvers<never>();
  const reached: string[] = [];
  const killed = fakeProvider({
    async answer({ devices }, call) {
      reached.push(...devices.map(({ userID }) => userID));
      // From here on no answer reaches it.
      if (call > 400) return dead.promise;
      await new Promise(setImmediate);
      return allOf(devices, { kind: 'taken' });
    },
  });
  const first = setUp({ set: fakeSet(undefined, { fcm: killed }), tokens, redis, waitMs: 300 });
  await first.handOff.notify(wakeOf(users), 'd1', signal);
  // Claims of a process that died expire.
  for (const [key, value] of redis) if (value === 'claimed') redis.delete(key);
  const next = fakeProvider();
  const second = setUp({ set: fakeSet(undefined, { fcm: next }), tokens, redis });
  assert.equal(await second.handOff.notify(wakeOf(users), 'd1', signal), undefined);
  const twice = next.users.filter((user) => reached.includes(user));
  assert.ok(twice.length <= 16, `${twice.length} twice, 16 requests at once`);
  assert.deepEqual(new Set([...reached, ...next.users]), new Set(users));
});

test('a provider that hangs holds up neither another one of the tenant nor the delivery', async () => {
  const hanging = fakeProvider({ name: 'apns', answer: () => new Promise(() => {}) });
  const fcm = fakeProvider({ name: 'fcm' });
  const tokens = [device('a', 'apns:aa'), device('b', 'f')];
  const { handOff } = setUp({
    set: fakeSet(undefined, { apns: hanging, fcm }),
    tokens,
    callMs: 1_500,
    waitMs: 50,
  });
  const afterMs = await handOff.notify(wakeOf(['a', 'b']), 'd1', signal);
  assert.deepEqual(fcm.users, ['b']);
  assert.ok(afterMs !== undefined && afterMs >= 10_000, 'it comes again when the call has ended');
});

test('a badge is the unread sum, raised once per delivery where the sender asks for it', async () => {
  const apns = fakeProvider({
    answer: ({ devices }, call) =>
      allOf(devices, call === 2 ? { kind: 'later', reason: 'x', afterMs: 1 } : { kind: 'taken' }),
  });
  const badges = new Map<string, number>();
  const { handOff } = setUp({ set: fakeSet(undefined, { apns }), tokens: [device('a', 'apns:aa')], badges });
  const shown = () => apns.pushed.map(({ devices }) => devices[0]?.badge);
  await handOff.notify(wakeOf(['a']), 'd1', signal);
  assert.deepEqual(shown(), [1], 'never 0: something is unread');
  await handOff.notify(wakeOf(['a'], true), 'd2', signal);
  await handOff.notify(wakeOf(['a'], true), 'd2', signal);
  await handOff.notify(wakeOf(['a'], true), 'd3', signal);
  assert.deepEqual(shown(), [1, 1, 1, 2]);
  badges.set('a', 40);
  await handOff.notify(wakeOf(['a']), 'd4', signal);
  assert.equal(shown().at(-1), 40);
  const off = setUp({
    set: fakeSet(undefined, { apns }),
    tokens: [device('a', 'apns:aa')],
    settings: { badge: false },
  });
  await off.handOff.notify(wakeOf(['a'], true), 'd5', signal);
  assert.equal(shown().at(-1), undefined);
});

test('a process that stops waits for the answers to what it has sent', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const provider = fakeProvider({
    async answer({ devices }) {
      await promise;
      return allOf(devices, { kind: 'taken' });
    },
  });
  const { handOff } = setUp({ set: fakeSet(provider), settings: { concurrency: 1 } });
  const stop = new AbortController();
  const notified = handOff.notify(wakeOf(['a', 'b']), 'd1', stop.signal);
  await new Promise(setImmediate);
  stop.abort();
  await new Promise(setImmediate);
  resolve();
  assert.ok((await notified) !== undefined, 'the second device was not sent');
  assert.deepEqual(provider.users, ['a']);
});
