import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMetrics } from '@im/process';
import { referenceMetrics } from './reference-metrics.ts';

test('messages are counted by session, and by whether they were taken', async () => {
  const metrics = createMetrics();
  const sent = metrics.counter('openim_msg_sent_total', 'Messages', ['session', 'outcome']);
  referenceMetrics(metrics, sent);
  sent.inc({ session: 'single', outcome: 'ok' }, 3);
  sent.inc({ session: 'single', outcome: '1302' });
  sent.inc({ session: 'single', outcome: 'failed' });
  sent.inc({ session: 'group', outcome: 'ok' }, 4);
  sent.inc({ session: 'account', outcome: 'ok' }, 9);
  const value = async (name: string) => (await metrics.values(name)).map((sample) => sample.value);
  assert.deepEqual(await value('single_chat_msg_process_success_total'), [3]);
  assert.deepEqual(await value('single_chat_msg_process_failed_total'), [2]);
  assert.deepEqual(await value('group_chat_msg_process_success_total'), [4]);
  assert.deepEqual(await value('group_chat_msg_process_failed_total'), [0]);
});
