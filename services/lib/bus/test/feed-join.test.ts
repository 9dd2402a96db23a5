import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { DEFAULT_TENANT } from '@im/contract';
import type { Backend } from '@im/dev-stores';
import { encode, type log, make } from '@im/protocol';
import type { OutgoingDelivery } from '../src/index.ts';
import { startTestBus, startTestNats, until } from './bus-harness.ts';

let nats: Backend;
before(async () => {
  nats = await startTestNats();
});
after(async () => {
  await nats[Symbol.asyncDispose]();
});

function toGroup(groupID: string, position: number): OutgoingDelivery {
  const payload = encode(
    'log.Delivery',
    make('log.Delivery', {
      tenant: DEFAULT_TENANT,
      targetGroupID: groupID,
      conversationID: `sg_${groupID}`,
      position,
      fence: 1,
    }),
  );
  return { tenant: DEFAULT_TENANT, targetGroupID: groupID, payload };
}

test('a group joined because of a delivery gets everything behind that delivery, in order, once', async () => {
  await using producer = await startTestBus(nats.uri);
  await using gateway = await startTestBus(nats.uri);
  await until(() => producer.bus.ready().ready && gateway.bus.ready().ready, 'ready');
  const quiet = {
    onRedeliver: () => undefined,
    onTakeover: () => undefined,
    state: () => ({ generation: 1, allPartitionsOwned: true }),
  };
  const announced = producer.bus.deliveries.announceProducer(quiet);
  const got: log.Delivery[] = [];
  const feed = gateway.bus.deliveries.feed({
    onDelivery: (delivery) => got.push(delivery),
    onGap: () => undefined,
  });
  await feed.barrier();
  const publish = (...positions: number[]) =>
    producer.bus.deliveries.publish(
      positions.flatMap((position) => ['g1', 'g2', 'g3'].map((groupID) => toGroup(groupID, position))),
    );
  const timeMs = Date.now();
  await publish(1, 2, 3, 4);
  feed.addGroup(DEFAULT_TENANT, 'g1', { position: 2, timeMs });
  feed.addGroup(DEFAULT_TENANT, 'g2', { position: 4, timeMs });
  feed.addGroup(DEFAULT_TENANT, 'g3');
  const later = [5, 6, 7, 8, 9, 10];
  for (const position of later) await publish(position);
  const positionsOf = (groupID: string) =>
    got.filter((delivery) => delivery.targetGroupID === groupID).map((delivery) => delivery.position);
  await until(() => positionsOf('g1').at(-1) === 10 && positionsOf('g2').at(-1) === 10, 'caught up');
  assert.deepEqual(positionsOf('g1'), [3, 4, ...later]);
  assert.deepEqual(positionsOf('g2'), later);
  assert.ok(positionsOf('g3').every((position) => position >= 5));
  await publish(11);
  await until(() => positionsOf('g1').at(-1) === 11, 'live again');
  assert.deepEqual(positionsOf('g1'), [3, 4, ...later, 11]);
  await announced.stop();
  await feed.stop();
});

test('a group that is left and joined again while it is caught up on misses nothing of the second time', async () => {
  await using producer = await startTestBus(nats.uri);
  await using gateway = await startTestBus(nats.uri);
  await until(() => producer.bus.ready().ready && gateway.bus.ready().ready, 'ready');
  const announced = producer.bus.deliveries.announceProducer({
    onRedeliver: () => undefined,
    onTakeover: () => undefined,
    state: () => ({ generation: 1, allPartitionsOwned: true }),
  });
  const got: number[] = [];
  const feed = gateway.bus.deliveries.feed({
    onDelivery: (delivery) => got.push(delivery.position),
    onGap: () => undefined,
  });
  await feed.barrier();
  const publish = (position: number) => producer.bus.deliveries.publish([toGroup('again', position)]);
  const timeMs = Date.now();
  for (const round of [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]) {
    const first = round * 10 + 1;
    got.length = 0;
    await publish(first);
    await publish(first + 1);
    let ends = 0;
    const onEnd = () => ends++;
    assert.ok(feed.addGroup(DEFAULT_TENANT, 'again', { position: first, timeMs }, onEnd));
    // Left and joined again, at another moment of the first catching up in each round.
    for (let turn = 0; turn < round * 2; turn++) await new Promise((resolve) => setImmediate(resolve));
    feed.removeGroup(DEFAULT_TENANT, 'again');
    assert.equal(ends, 1);
    await publish(first + 2);
    await publish(first + 3);
    feed.addGroup(DEFAULT_TENANT, 'again', { position: first + 2, timeMs }, onEnd);
    await publish(first + 4);
    await until(() => ends === 2 && got.at(-1) === first + 4, 'caught up');
    assert.deepEqual(
      got.filter((position) => position > first + 1),
      [first + 3, first + 4],
    );
    feed.removeGroup(DEFAULT_TENANT, 'again');
  }
  await announced.stop();
  await feed.stop();
});
