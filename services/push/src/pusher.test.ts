import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KeptDelivery } from '@im/bus';
import { tenantId } from '@im/contract';
import { createMetrics, silentLogger } from '@im/process';
import { encode, make } from '@im/protocol';
import { fakeRedis } from '../test/fake-redis.ts';
import { sharedClaims } from './claims.ts';
import type { OfflineNotification } from './notification.ts';
import { Pusher } from './pusher.ts';
import { WakeLimit } from './rate-limit.ts';

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
    failures?: number;
    perMinute?: number;
    redis?: Map<string, string>;
    broken?: boolean | string;
    /** Tenant whose provider never answers. */
    hanging?: string;
  } = {},
) {
  const pushed: OfflineNotification[] = [];
  const asked: (readonly string[])[] = [];
  const metrics = createMetrics();
  let failures = options.failures ?? 0;
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
    },
    provider: {
      name: 'recording',
      push: async (notification) => {
        if (notification.tenant === options.hanging) await new Promise(() => {});
        if (failures-- > 0) throw new Error('provider away');
        pushed.push(notification);
      },
    },
    claims: sharedClaims(fakeRedis(options.redis ?? new Map())),
    keyOf: (...parts) => parts.join(' '),
    limit: new WakeLimit({ perMinute: options.perMinute ?? 600, burst: 2, now: () => 0 }),
    log: silentLogger(),
    metrics,
    knows: (of) => of !== 'gone',
    ...(options.hanging && { callMs: 50, batchMs: 200 }),
  });
  return { pusher, pushed, asked, metrics };
}

test('a group message wakes members without a phone online who want it', async () => {
  const { pusher, pushed } = setUp();
  await pusher.judge(
    [kept({ targetGroupID: 'g', sessionType: 3, conversationID: 'sg_g', position: 1 })],
    signal,
  );
  assert.deepEqual(
    pushed.map((n) => n.userIDs),
    [['web']],
  );
});

test('a redelivery wakes no user twice', async () => {
  const { pusher, pushed } = setUp();
  const one = kept({ targetUserID: 'b', conversationID: 'si_a_b', position: 5 });
  await pusher.judge([one, one], signal);
  await pusher.judge([one], signal);
  assert.deepEqual(
    pushed.map((n) => n.userIDs),
    [['b']],
  );
});

test('a batch of single chats asks once who is online, each user once', async () => {
  const { pusher, pushed, asked } = setUp();
  const users = ['b', 'phone', 'b', 'web'];
  await pusher.judge(
    users.map((targetUserID, i) => kept({ targetUserID, conversationID: 'si_a_x', position: i + 1 })),
    signal,
  );
  assert.deepEqual(asked, [['b', 'phone', 'web']]);
  assert.deepEqual(pushed.flatMap(({ userIDs }) => userIDs).toSorted(), ['b', 'b', 'web']);
});

test('a batch asks once about a group, and wakes its members for each message', async () => {
  const { pusher, pushed, asked } = setUp();
  const message = (position: number) =>
    kept({ targetGroupID: 'g', sessionType: 3, conversationID: 'sg_g', position });
  await pusher.judge([message(1), message(2)], signal);
  assert.deepEqual(asked, [['a', 'phone', 'web', 'quiet']]);
  assert.deepEqual(
    pushed.map((n) => n.userIDs),
    [['web'], ['web']],
  );
});

test('a delivery that wakes no user costs no claim', async () => {
  const redis = new Map<string, string>();
  const { pusher } = setUp({ redis });
  await pusher.judge([kept({ targetUserID: 'phone', conversationID: 'si_a_x', position: 1 })], signal);
  assert.deepEqual([...redis], []);
});

test('a provider that fails is tried again', async () => {
  const { pusher, pushed } = setUp({ failures: 2 });
  await pusher.judge([kept({ targetUserID: 'b', conversationID: 'si_a_b', position: 1 })], signal);
  assert.equal(pushed.length, 1);
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
  const woken = [...one.pushed, ...two.pushed].flatMap((n) => n.userIDs);
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
  assert.deepEqual(
    two.pushed.map((n) => n.userIDs),
    [['u2'], ['u1']],
  );
});

test('what fails of one tenant comes again alone; the others are notified and settled', async () => {
  const { pusher, pushed } = setUp({ broken: 'ill' });
  const keptOf = (name: string, position: number) =>
    kept({ targetUserID: `u${position}`, conversationID: 'si_a_b', position }, tenantId(name));
  const ill = [keptOf('ill', 1), keptOf('ill', 3), keptOf('gone', 4)];
  const putOff = await pusher.judge([...ill, keptOf('well', 2)], signal);
  assert.deepEqual(
    pushed.map((n) => n.tenant),
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
  const { pusher, metrics } = setUp({ failures: 99 });
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
  const failed = (await metrics.values('openim_push_users_total')).find(
    ({ labels }) => labels.outcome === 'failed',
  );
  assert.ok(failed && failed.value > 0);
  assert.deepEqual(await value('msg_offline_push_failed_total'), [failed.value]);
});

test('a provider that never answers is given up, and what waits behind it comes again', async () => {
  const { pusher, pushed } = setUp({ hanging: 'ill' });
  const batch = Array.from({ length: 40 }, (_, i) =>
    kept({ targetUserID: `u${i}`, conversationID: 'si_a_b', position: i + 1 }, tenantId('ill')),
  );
  const putOff = await pusher.judge(batch, signal);
  assert.ok(putOff.length >= 8 && putOff.length < 40, `${putOff.length} come again`);
  assert.deepEqual(pushed, []);
});

test('of what a tenant has no room for a limited number comes again', () => {
  const { pusher } = setUp();
  const batch = Array.from({ length: 400 }, (_, i) =>
    kept({ targetUserID: `u${i}`, conversationID: 'si_a_b', position: i + 1 }),
  );
  const typing = kept({ targetUserID: 'u', conversationID: 'si_a_b', position: 500, offlinePush: false });
  assert.equal(pusher.putOffFull([...batch, typing]).length, 250);
});
