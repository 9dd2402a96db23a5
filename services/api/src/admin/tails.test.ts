import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TailEvent } from '@im/admin-api';
import { type TenantId, tenantId } from '@im/contract';
import { createMetrics } from '@im/process';
import { encode, type log, make } from '@im/protocol';
import { createTails, type Tails } from './tails.ts';

const T1 = tenantId('t1');
const T2 = tenantId('t2');

/** Deliveries of tenants as this test publishes them. */
function source() {
  const listeners = new Map<TenantId, (payload: Uint8Array) => void>();
  return {
    listeners,
    watch(tenant: TenantId, onDelivery: (payload: Uint8Array) => void) {
      assert.ok(!listeners.has(tenant), 'one subscription for all readers of a tenant');
      listeners.set(tenant, onDelivery);
      return () => void listeners.delete(tenant);
    },
    publish(fields: Partial<log.Delivery>, tenant = T1) {
      const secret = new TextEncoder().encode('a secret text');
      listeners.get(tenant)?.(
        encode('log.Delivery', make('log.Delivery', { tenant, msgData: secret, ...fields })),
      );
    },
  };
}

/** A reader that has begun. */
async function reading(tails: Tails, filter = {}, tenant = T1) {
  const stop = new AbortController();
  const events = tails.read(tenant, filter, { forMs: 60_000, signal: stop.signal })[Symbol.asyncIterator]();
  assert.equal((await events.next()).value?.event, 'alive');
  return {
    next: async (): Promise<TailEvent> => {
      const { value } = await events.next();
      return value;
    },
    async end() {
      stop.abort();
      assert.equal((await events.next()).done, true);
    },
  };
}

const message = (position: number, fields: Partial<log.Delivery> = {}): Partial<log.Delivery> => ({
  ...{ position, seq: position, conversationID: 'si_a_b', sendID: 'a', targetUserID: 'b', contentType: 101 },
  ...fields,
});

test('who watches sees each message once, without its content, and of the own tenant', async () => {
  const bus = source();
  const tails = createTails(bus, createMetrics());
  assert.equal(bus.listeners.size, 0, 'nothing is done before there is a reader');
  const one = await reading(tails);
  const other = await reading(tails, {}, T2);
  bus.publish(message(1));
  bus.publish(message(1, { targetUserID: 'a' }));
  bus.publish({ ...message(0), contentType: 113 });
  bus.publish(message(2, { contentType: 1_501, targetUserID: '', targetGroupID: 'g' }));
  const first = await one.next();
  assert.partialDeepStrictEqual(first, { event: 'message', seq: 1, sendID: 'a', recvID: 'b', bytes: 13 });
  assert.doesNotMatch(JSON.stringify(first), /secret/);
  assert.partialDeepStrictEqual(await one.next(), { event: 'transient', contentType: 113 });
  assert.partialDeepStrictEqual(await one.next(), { event: 'notification', seq: 2, groupID: 'g' });
  bus.publish(message(9), T2);
  assert.equal((await other.next()).seq, 9);
  await one.end();
  assert.deepEqual([...bus.listeners.keys()], [T2], 'nothing is done after the last reader');
  await other.end();
});

test('filters choose events', async () => {
  const bus = source();
  const tails = createTails(bus, createMetrics());
  const byUser = await reading(tails, { userID: 'c', contentType: 101, event: 'message' });
  bus.publish(message(1));
  bus.publish(message(2, { sendID: 'c', contentType: 102 }));
  bus.publish(message(3, { targetUserID: 'c' }));
  assert.equal((await byUser.next()).seq, 3);
  const byConversation = await reading(tails, { conversationID: 'sg_g' });
  bus.publish(message(4));
  bus.publish(message(5, { conversationID: 'sg_g' }));
  assert.equal((await byConversation.next()).seq, 5);
  await byUser.end();
  await byConversation.end();
});

test('a reader that is behind gets the newest events, and how many it missed', async () => {
  const bus = source();
  const slow = await reading(createTails(bus, createMetrics()));
  for (let i = 1; i <= 600; i++) bus.publish(message(i));
  assert.partialDeepStrictEqual(await slow.next(), { event: 'missed', count: 100 });
  assert.equal((await slow.next()).seq, 101);
  await slow.end();
});

test('a flood is counted and not looked at', async () => {
  const bus = source();
  const filtered = await reading(createTails(bus, createMetrics()), { userID: 'nobody' });
  for (let i = 1; i <= 5_000; i++) bus.publish(message(i));
  const { event, count } = await filtered.next();
  assert.equal(event, 'missed');
  assert.ok(count > 0 && count <= 4_000, `${count} missed`);
  await filtered.end();
});

test('a few readers at most, of a tenant and in all, and a place is free again when one ends', async () => {
  const bus = source();
  const tails = createTails(bus, createMetrics());
  const refused = { code: 429 };
  const readers = await Promise.all([1, 2, 3].map(() => reading(tails)));
  await assert.rejects(reading(tails), refused);
  for (let i = 0; i < 7; i++) readers.push(await reading(tails, {}, tenantId(`other-${i}`)));
  await assert.rejects(reading(tails, {}, T2), refused);
  await readers[0]?.end();
  readers[0] = await reading(tails);
  for (const reader of readers) await reader.end();
  assert.equal(bus.listeners.size, 0);
  await assert.rejects(reading(createTails(undefined, createMetrics())), { code: 90_004 });
});
