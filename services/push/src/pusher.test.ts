import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KeptDelivery } from '@im/bus';
import { PushSettings, tenantId } from '@im/contract';
import type { Tracing } from '@im/kit';
import { createMetrics, silentLogger } from '@im/process';
import { encode, make } from '@im/protocol';
import { allOf } from '@im/push-providers';
import { recordingTracer } from '@im/testing';
import { type FakeAnswer, fakeProvider } from '../test/fake-provider.ts';
import { fakeRedis } from '../test/fake-redis.ts';
import { sharedClaims } from './claims.ts';
import { HandOff } from './hand-off/hand-off.ts';
import { ProvidersByTenant } from './hand-off/tenant-providers.ts';
import { Pusher } from './pusher.ts';
import { WakeLimit } from './rate-limit.ts';
import type { Wake } from './wake/notification.ts';

const tenant = tenantId('default');
const signal = new AbortController().signal;

function kept(fields: object, of = tenant, attempt = 1): KeptDelivery {
  const msgData = encode('sdkws.MsgData', make('sdkws.MsgData', { contentType: 101, clientMsgID: 'c' }));
  const delivery = make('log.Delivery', {
    sendID: 'a',
    offlinePush: true,
    sessionType: 1,
    contentType: 101,
    msgData,
    ...fields,
  });
  return { tenant: of, delivery, publishedMs: 0, attempt };
}

function setUp(
  options: {
    answer?: FakeAnswer;
    perMinute?: number;
    redis?: Map<string, string>;
    broken?: boolean | string;
    /** Tenant whose provider never answers. */
    hanging?: string;
    mentionsThroughMute?: boolean;
    undisturbed?: readonly string[];
    tracing?: Tracing;
    before?: (wake: Wake) => Promise<Wake | undefined>;
  } = {},
) {
  const asked: (readonly string[])[] = [];
  const askedWishes: (readonly string[])[] = [];
  const metrics = createMetrics();
  const provider = fakeProvider({
    maxDevices: 500,
    answer(pushed, call) {
      if (pushed.notification.tenant === options.hanging) return new Promise(() => {});
      return options.answer?.(pushed, call) ?? allOf(pushed.devices, { kind: 'taken' });
    },
  });
  const settings = PushSettings.parse({ providers: {}, badge: false });
  const providers = new ProvidersByTenant({
    settingsOf: () => settings,
    otherwise: provider,
    log: silentLogger(),
    callMs: 50,
  });
  const handOff = new HandOff({
    providers,
    tokens: { ofUsers: async () => [], removeGone: async () => false },
    preferences: { badgesOf: async () => new Map(), raiseBadges: async () => {} },
    claims: sharedClaims(fakeRedis(options.redis ?? new Map())),
    keyOf: ({ tenant: of }, ...parts) => [of, ...parts].join(' '),
    limit: new WakeLimit({ perMinute: options.perMinute ?? 600, burst: 2, now: () => 0 }),
    log: silentLogger(),
    metrics,
  });
  const pusher = new Pusher({
    receivers: {
      membersOf: async () => ['a', 'phone', 'web', 'quiet'],
      async connectionsOf(of, _operationID, userIDs) {
        if (options.broken === true || options.broken === of) throw new Error('presence is away');
        asked.push(userIDs);
        return new Map([
          ['phone', [make('user.PlatformOnlineDetail', { platformID: 2 })]],
          ['web', [make('user.PlatformOnlineDetail', { platformID: 5 })]],
        ]);
      },
      silencedIn: async () => new Set(['quiet']),
      async undisturbed(_of, userIDs) {
        askedWishes.push(userIDs);
        return new Set(options.undisturbed ?? []);
      },
    },
    handOff,
    policyOf: () => ({ serves: true, mentionsThroughMute: options.mentionsThroughMute ?? false }),
    ...(options.before && { beforeOfflinePush: options.before }),
    log: silentLogger(),
    metrics,
    knows: (of) => of !== 'gone',
    ...(options.tracing && { tracing: options.tracing }),
  });
  const usersOf = () => provider.pushed.map(({ devices }) => devices.map(({ userID }) => userID));
  return { pusher, provider, pushed: provider.pushed, usersOf, asked, askedWishes, metrics };
}

test('a group message wakes members without a phone online who want it', async () => {
  const { pusher, usersOf } = setUp();
  await pusher.judge(
    [kept({ targetGroupID: 'g', sessionType: 3, conversationID: 'sg_g', position: 1 })],
    signal,
  );
  assert.deepEqual(usersOf(), [['web']]);
});

test('a redelivery wakes no user twice', async () => {
  const { pusher, usersOf } = setUp();
  const one = kept({ targetUserID: 'b', conversationID: 'si_a_b', position: 5 });
  await pusher.judge([one, one], signal);
  await pusher.judge([one], signal);
  assert.deepEqual(usersOf(), [['b']]);
});

test('a batch of single chats asks once who is online, each user once', async () => {
  const { pusher, usersOf, asked } = setUp();
  const users = ['b', 'phone', 'b', 'web'];
  await pusher.judge(
    users.map((targetUserID, i) => kept({ targetUserID, conversationID: 'si_a_x', position: i + 1 })),
    signal,
  );
  assert.deepEqual(asked, [['b', 'phone', 'web']]);
  assert.deepEqual(usersOf().flat().toSorted(), ['b', 'b', 'web']);
});

test('a batch asks once about a group, and wakes its members for each message', async () => {
  const { pusher, usersOf, asked } = setUp();
  const message = (position: number) =>
    kept({ targetGroupID: 'g', sessionType: 3, conversationID: 'sg_g', position });
  await pusher.judge([message(1), message(2)], signal);
  assert.deepEqual(asked, [['a', 'phone', 'web', 'quiet']]);
  assert.deepEqual(usersOf(), [['web'], ['web']]);
});

test('a delivery that wakes no user costs no claim', async () => {
  const redis = new Map<string, string>();
  const { pusher } = setUp({ redis });
  await pusher.judge([kept({ targetUserID: 'phone', conversationID: 'si_a_x', position: 1 })], signal);
  assert.deepEqual([...redis], []);
});

test('what a provider did not take comes again, for as long as it asks; what it took does not', async () => {
  const { pusher, usersOf } = setUp({
    answer: ({ devices }, call) =>
      devices.map(({ userID }) =>
        call === 1 && userID !== 'web'
          ? { kind: 'later', reason: 'busy', afterMs: 70_000 }
          : { kind: 'taken' },
      ),
  });
  const one = kept({ targetUserID: 'b', conversationID: 'si_a_b', position: 1 });
  assert.deepEqual(await pusher.judge([one], signal), [{ kept: one, delayMs: 70_000 }]);
  assert.deepEqual(await pusher.judge([{ ...one, attempt: 2 }], signal), []);
  assert.deepEqual(await pusher.judge([{ ...one, attempt: 3 }], signal), []);
  assert.deepEqual(usersOf(), [['b'], ['b']]);
});

test('a provider that refuses is not asked again', async () => {
  const { pusher, pushed } = setUp({
    answer: ({ devices }) => allOf(devices, { kind: 'refused', reason: 'no' }),
  });
  const one = kept({ targetUserID: 'b', conversationID: 'si_a_b', position: 1 });
  assert.deepEqual(await pusher.judge([one], signal), []);
  await pusher.judge([one], signal);
  assert.equal(pushed.length, 1);
});

test('a mention reaches a member who muted the group, if the tenant wants it so', async () => {
  const msgData = encode(
    'sdkws.MsgData',
    make('sdkws.MsgData', { contentType: 106, atUserIDList: ['quiet'] }),
  );
  const fields = { targetGroupID: 'g', sessionType: 3, conversationID: 'sg_g', position: 1, msgData };
  const usual = setUp();
  await usual.pusher.judge([kept(fields)], signal);
  assert.deepEqual(usual.usersOf(), [['web']]);
  const wanted = setUp({ mentionsThroughMute: true });
  await wanted.pusher.judge([kept(fields)], signal);
  assert.deepEqual(wanted.usersOf(), [['web', 'quiet']]);
});

test('a user who does not want to be disturbed is not', async () => {
  const { pusher, usersOf } = setUp({ undisturbed: ['web', 'b'] });
  const group = { targetGroupID: 'g', sessionType: 3, conversationID: 'sg_g' };
  await pusher.judge(
    [kept({ ...group, position: 1 }), kept({ targetUserID: 'b', conversationID: 'si_a_b', position: 2 })],
    signal,
  );
  assert.deepEqual(usersOf(), []);
});

test('a batch asks once for the wishes of each user', async () => {
  const { pusher, askedWishes } = setUp({ undisturbed: ['b'] });
  const group = { targetGroupID: 'g', sessionType: 3, conversationID: 'sg_g' };
  const chats = ['b', 'c', 'b', 'web', 'd'];
  await pusher.judge(
    [
      ...chats.map((targetUserID, i) => kept({ targetUserID, conversationID: 'si_a_x', position: i + 1 })),
      kept({ ...group, position: 6 }),
      kept({ ...group, position: 7 }),
    ],
    signal,
  );
  assert.deepEqual(askedWishes, [['b', 'c', 'web', 'd']]);
});

test('nothing is asked about a user who is beyond the limit', async () => {
  const asked: string[] = [];
  const { pusher } = setUp({
    async before(wake) {
      asked.push(...wake.userIDs);
      return wake;
    },
  });
  for (const position of [1, 2, 3, 4])
    await pusher.judge([kept({ targetUserID: 'b', conversationID: 'si_a_b', position })], signal);
  assert.deepEqual(asked, ['b', 'b']);
});

test('what is asked before may change receivers and text, or end the notification', async () => {
  const info = make('sdkws.OfflinePushInfo', { title: 'changed' });
  const { pusher, pushed, usersOf } = setUp({
    before: async (wake) =>
      wake.userIDs.includes('no')
        ? undefined
        : {
            ...wake,
            userIDs: ['c', 'd'],
            message: make('sdkws.MsgData', { ...wake.message, offlinePushInfo: info }),
          },
  });
  await pusher.judge(
    ['b', 'no'].map((targetUserID, i) => kept({ targetUserID, conversationID: 'si_a_b', position: i + 1 })),
    signal,
  );
  assert.deepEqual(usersOf(), [['c', 'd']]);
  assert.equal(pushed[0]?.notification.title, 'changed');
});

test('a user is not woken more often than the limit', async () => {
  const { pusher, pushed } = setUp();
  const many = [1, 2, 3, 4].map((position) =>
    kept({ targetUserID: 'b', conversationID: 'si_a_b', position }),
  );
  await pusher.judge(many, signal);
  assert.equal(pushed.length, 2);
});

test('a changed limit holds for everybody at once', () => {
  const limit = new WakeLimit({ perMinute: 600, burst: 2, now: () => 0 });
  const taken = (user: string) =>
    Array.from({ length: 9 }, () => limit.take(tenant, user)).filter(Boolean).length;
  assert.equal(taken('a'), 2);
  assert.ok(limit.take(tenant, 'b'));
  limit.configure({ perMinute: 600, burst: 5 });
  assert.deepEqual([taken('a'), taken('b'), taken('c')], [0, 1, 5]);
});

test('two processes that get the same deliveries, in whatever order, wake each user once', async () => {
  const redis = new Map<string, string>();
  const [one, two] = [setUp({ redis }), setUp({ redis })];
  const batch = [1, 2, 3].map((position) =>
    kept({ targetUserID: `u${position}`, conversationID: 'si_a_b', position }),
  );
  await Promise.all([one.pusher.judge(batch, signal), two.pusher.judge(batch.toReversed(), signal)]);
  await two.pusher.judge(batch, signal);
  const woken = [...one.provider.users, ...two.provider.users];
  assert.deepEqual(woken.toSorted(), ['u1', 'u2', 'u3']);
});

test('what one process could not judge, another does when it comes again, older than what was judged since', async () => {
  const redis = new Map<string, string>();
  const [one, two] = [setUp({ redis, broken: true }), setUp({ redis })];
  const [older, newer] = [1, 2].map((position) =>
    kept({ targetUserID: `u${position}`, conversationID: 'si_a_b', position }),
  );
  assert.ok(older && newer);
  assert.deepEqual(await one.pusher.judge([older], signal), [{ kept: older, delayMs: 1_000 }]);
  await two.pusher.judge([newer], signal);
  await two.pusher.judge([older], signal);
  assert.deepEqual(two.usersOf(), [['u2'], ['u1']]);
});

test('what fails of one tenant comes again alone; the others are notified and settled', async () => {
  const { pusher, pushed } = setUp({ broken: 'ill' });
  const keptOf = (name: string, position: number) =>
    kept({ targetUserID: `u${position}`, conversationID: 'si_a_b', position }, tenantId(name));
  const ill = [keptOf('ill', 1), keptOf('ill', 3), keptOf('gone', 4)];
  const putOff = await pusher.judge([...ill, keptOf('well', 2)], signal);
  assert.deepEqual(
    pushed.map(({ notification }) => notification.tenant),
    ['well'],
  );
  assert.deepEqual(
    putOff.map((one) => one.kept),
    ill,
  );
});

test('a delivery comes again after longer and longer, and is given up in the end', async () => {
  const { pusher } = setUp({ broken: true });
  const waits: (number | undefined)[] = [];
  for (const attempt of [1, 2, 5, 9, 10]) {
    const one = kept({ targetUserID: 'b', conversationID: 'si_a_b', position: 1 }, tenant, attempt);
    waits.push((await pusher.judge([one], signal))[0]?.delayMs);
  }
  assert.deepEqual(waits, [1_000, 2_000, 16_000, 30_000, undefined]);
});

test('of one tenant a limited number waits to come again, and another still has room', async () => {
  const { pusher } = setUp({ broken: true });
  const many = (name: string, count: number) =>
    Array.from({ length: count }, (_, i) =>
      kept({ targetUserID: `u${i}`, conversationID: 'si_a_b', position: i + 1 }, tenantId(name)),
    );
  assert.equal((await pusher.judge(many('ill', 400), signal)).length, 250);
  assert.equal((await pusher.judge(many('other', 10), signal)).length, 10);
});

test('messages that took long to be published, and notifications that failed for good, are counted', async () => {
  const { pusher, metrics } = setUp({
    answer: ({ devices }) => allOf(devices, { kind: 'refused', reason: 'no' }),
  });
  const aged = (ageMs: number, attempt = 1) => ({
    ...kept(
      { targetUserID: 'b', conversationID: 'si_a_b', position: ageMs, logTime: 1_000 },
      tenant,
      attempt,
    ),
    publishedMs: 1_000 + ageMs,
  });
  await pusher.judge([aged(9_000), aged(11_000), aged(12_000, 2)], signal);
  const value = async (name: string) => (await metrics.values(name)).map((sample) => sample.value);
  assert.deepEqual(await value('msg_long_time_push_total'), [1]);
  assert.deepEqual(await value('msg_offline_push_failed_total'), [2]);
  assert.deepEqual(
    (await metrics.values('openim_push_devices_total')).map(({ labels, value: count }) => ({
      ...labels,
      count,
    })),
    [{ provider: 'fake', outcome: 'refused', reason: 'no', count: 2 }],
  );
});

test('a tenant whose provider never answers delays no other; its deliveries come again', async () => {
  const { pusher, pushed } = setUp({ hanging: 'ill' });
  const of = (name: string, count: number) =>
    Array.from({ length: count }, (_, i) =>
      kept({ targetUserID: `u${i}`, conversationID: 'si_a_b', position: i + 1 }, tenantId(name)),
    );
  const hanging = pusher.judge(of('ill', 40), signal);
  assert.deepEqual(await pusher.judge(of('well', 40), signal), []);
  assert.equal(pushed.filter(({ notification }) => notification.tenant === 'well').length, 40);
  assert.equal((await hanging).length, 40);
});

test('of what a tenant has no room for a limited number comes again', () => {
  const { pusher } = setUp();
  const batch = Array.from({ length: 400 }, (_, i) =>
    kept({ targetUserID: `u${i}`, conversationID: 'si_a_b', position: i + 1 }),
  );
  const typing = kept({ targetUserID: 'u', conversationID: 'si_a_b', position: 500, offlinePush: false });
  assert.equal(pusher.putOffFull([...batch, typing]).length, 250);
});

test('a delivery of a traced message has its steps in the trace, the provider among them', async () => {
  const tracing = recordingTracer();
  const asked: (Wake['span'] | undefined)[] = [];
  const { pusher } = setUp({
    tracing,
    before: async (wake) => {
      asked.push(wake.span);
      return wake;
    },
  });
  const traceparent = `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`;
  const to = { targetUserID: 'b', conversationID: 'si_a_b' };
  await pusher.judge([kept({ ...to, position: 1, traceparent }), kept({ ...to, position: 2 })], signal);
  const step = tracing.named('offline push');
  const provider = tracing.spans.find(({ parent }) => parent === step.traceparent);
  assert.deepEqual([step.parent, step.tenant, step.ended], [traceparent, tenant, true]);
  assert.match(provider?.name ?? '', /^push /);
  assert.deepEqual(
    [provider?.ended, provider?.attributes],
    [true, { 'openim.devices': 1, 'openim.devices_taken': 1 }],
  );
  assert.deepEqual(
    asked.map((span) => span?.traceparent),
    [step.traceparent, undefined],
  );
});
