import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_TENANT } from '@im/contract';
import { systemContext } from '@im/kit';
import { createMetrics, createTaskRunner, silentLogger } from '@im/process';
import { CONTENT, ERR, ImError, make, type msg, SESSION } from '@im/protocol';
import type { RpcRegistry } from '@im/rpc';
import { createNotifier } from './notifier.ts';

const ADDRESS = {
  contentType: CONTENT.ConversationChange,
  sessionType: SESSION.Single,
  sendID: 'u1',
  recvID: 'u1',
};

function harness(answer: (request: msg.SendNotificationReq) => Promise<void>) {
  const metrics = createMetrics();
  const log = silentLogger();
  const tasks = createTaskRunner({ log, metrics });
  const sendNotification = async (_ctx: unknown, request: msg.SendNotificationReq) => {
    await answer(request);
    return make('msg.SendNotificationResp');
  };
  const rpc = { client: () => ({ sendNotification }) } as unknown as Pick<RpcRegistry, 'client'>;
  return { metrics, tasks, notifier: createNotifier({ rpc, log, metrics, tasks }) };
}

test('sends the tips as JSON text and resolves when the log has them', async () => {
  const sent: msg.SendNotificationReq[] = [];
  const { notifier } = harness(async (request) => {
    sent.push(request);
  });
  const tips = make('sdkws.ConversationUpdateTips', { userID: 'u1', conversationIDList: ['sg_g'] });
  await notifier.send(systemContext(DEFAULT_TENANT, 'op'), ADDRESS, 'sdkws.ConversationUpdateTips', tips);
  assert.equal(sent[0]?.detail, '{"userID":"u1","conversationIDList":["sg_g"]}');
  assert.equal(sent[0]?.contentType, 1300);
  assert.deepEqual(sent[0]?.addedUserIDs, []);
});

test('a failure is counted and not thrown', async () => {
  const { notifier, metrics } = harness(async () => {
    throw new ImError(ERR.NetworkError, 'the log is unavailable');
  });
  await notifier.send(
    systemContext(DEFAULT_TENANT, 'op'),
    ADDRESS,
    'sdkws.ConversationUpdateTips',
    make('sdkws.ConversationUpdateTips'),
  );
  const [failed] = await metrics.values('openim_notifications_total');
  assert.equal(failed?.labels.outcome, 'failed');
  assert.equal(failed?.value, 1);
});

test('the caller is released before its deadline, and the notification still goes', async () => {
  const log = Promise.withResolvers<void>();
  const { notifier, metrics, tasks } = harness(() => log.promise);
  const ctx = systemContext(DEFAULT_TENANT, 'op', { timeoutMs: 4_000 });
  let isOver = false;
  // Timers fire in the order of their times, also after a stall.
  const deadline = setTimeout(() => {
    isOver = true;
  }, 4_000);
  await notifier.send(ctx, ADDRESS, 'sdkws.ConversationUpdateTips', make('sdkws.ConversationUpdateTips'));
  assert.equal(isOver, false);
  clearTimeout(deadline);
  log.resolve();
  await tasks.stop();
  const [sent] = await metrics.values('openim_notifications_total');
  assert.equal(sent?.labels.outcome, 'sent');
});
