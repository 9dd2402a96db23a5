import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FollowedEntry, LogFollowOptions } from '@im/bus';
import { tenantId, tenantSettings } from '@im/contract';
import { staticTenants } from '@im/kit';
import { createMetrics, createTaskRunner, silentLogger } from '@im/process';
import { encode, make } from '@im/protocol';
import type { Store } from '@im/store';
import type { HeldDelivery } from './lane.ts';
import { MessageEvents } from './message-events.ts';

const TENANT = tenantId('acme');

/** Events of messages of one tenant, whose log and receiver are the test. */
function messageEvents(hold: (held: HeldDelivery) => void) {
  const metrics = createMetrics();
  const logger = silentLogger();
  const events = { afterSendSingleMsg: { enable: true, timeoutMs: 2_000 } };
  const webhooks = { url: 'http://127.0.0.1:1', events };
  const settings = tenantSettings({ id: TENANT, tokenSecret: 's', adminSecret: 's', webhooks });
  let follow: LogFollowOptions | undefined;
  const messages = new MessageEvents({
    ...{ metrics, logger, tasks: createTaskRunner({ log: logger, metrics }) },
    log: {
      follow: (_, options) => {
        follow = options;
        return new Promise(() => {});
      },
    },
    // No event here needs the store.
    store: { metrics } as Store,
    tenants: staticTenants([settings]),
    room: () => 100,
    hold: (_, held) => hold(held),
  });
  messages.start();
  const answers: string[] = [];
  return {
    ...{ messages, answers },
    /** @param answer of the record, as done and as to come again. */
    take(attempt: number, answer: (text: string) => void = (text) => void answers.push(text)): void {
      const msgData = encode('sdkws.MsgData', make('sdkws.MsgData', { sendID: 'a', recvID: 'b' }));
      const record = make('log.Record', {
        ...{ dedupKey: Buffer.alloc(16, 1), version: 1, tenant: TENANT, sendID: 'a', recvID: 'b' },
        ...{ sessionType: 1, contentType: 101 },
        entries: [make('log.Entry', { conversationID: 'si_a_b', stored: true, msgData })],
      });
      const entry: FollowedEntry = {
        ...{ tenant: TENANT, partition: 3, position: 1, timeMs: 1, attempt },
        record: encode('log.Record', record),
        done: () => answer('done'),
        again: (delayMs) => answer(`again ${delayMs}`),
      };
      assert.ok(follow);
      follow.onEntry(entry);
    },
    handed: async () =>
      (await metrics.values('openim_webhook_handed_total')).map(({ labels: { outcome }, value }) => [
        outcome,
        value,
      ]),
  };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

test('a record whose delivery cannot be handed over comes again, and is reported then', async () => {
  const taken: HeldDelivery[] = [];
  let failing = true;
  const { messages, answers, take } = messageEvents((held) => {
    if (failing) throw new Error('broken');
    taken.push(held);
  });
  take(1);
  await settled();
  assert.deepEqual([answers, messages.held], [['again 5000'], 0]);
  failing = false;
  take(2);
  await settled();
  assert.equal(taken.length, 1);
  taken[0]?.done();
  assert.deepEqual([answers, messages.held], [['again 5000', 'done'], 0]);
});

test('a delivery that is handed over several times is counted once, when it was taken or stored', async () => {
  const taken: HeldDelivery[] = [];
  const { answers, take, handed } = messageEvents((held) => taken.push(held));
  take(1);
  await settled();
  taken[0]?.again(7);
  assert.deepEqual(await handed(), []);
  take(2);
  await settled();
  taken[1]?.done();
  assert.deepEqual(answers, ['again 7', 'done']);
  assert.deepEqual(await handed(), [['stored', 1]]);
});

test('a record that cannot be answered for holds up no later one', async () => {
  const { messages, answers, take } = messageEvents((held) => held.again(7));
  take(1, () => {
    throw new Error('connection closed');
  });
  await settled();
  assert.equal(messages.held, 0);
  take(2);
  await settled();
  assert.deepEqual([answers, messages.held], [['again 7'], 0]);
});
