import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig, tenantId, tenantSettings } from '@im/contract';
import { staticTenants } from '@im/kit';
import { createLiveConfig, createMetrics, silentLogger } from '@im/process';
import { ERR, ImError, make } from '@im/protocol';
import { REFUSAL, startWebhookReceiver, withWebhooks } from '@im/testing';
import { createWebhooks } from '@im/webhooks';
import { beforeOfflinePush } from './before-offline-push.ts';

const TENANT = tenantId('t1');
const SIGNAL = new AbortController().signal;
const message = make('sdkws.MsgData', {
  sendID: 'a',
  recvID: 'b',
  clientMsgID: 'c1',
  senderPlatformID: 1,
  sessionType: 1,
  contentType: 101,
  content: Buffer.from('{"content":"hi"}'),
});
const wake = { tenant: TENANT, operationID: 'op', conversationID: 'si_a_b', message, userIDs: ['b', 'c'] };
const BODY = {
  callbackCommand: 'callbackBeforeOfflinePushCommand',
  operationID: 'op',
  platformID: 1,
  platform: 'IOS',
  userIDList: ['b', 'c'],
  clientMsgID: 'c1',
  sendID: 'a',
  groupID: '',
  contentType: 101,
  sessionType: 1,
  atUserIDList: [],
  content: '{"content":"hi"}',
};

test('beforeOfflinePush decides whom to notify of what, and whether at all', async () => {
  await using receiver = await startWebhookReceiver();
  const settings = { id: TENANT, tokenSecret: 's', adminSecret: 's' };
  const tenants = staticTenants([tenantSettings(withWebhooks(settings, receiver, ['beforeOfflinePush']))]);
  const webhooks = createWebhooks({
    tenants,
    queue: { publish: async () => {} },
    live: createLiveConfig(parseConfig({ webhooks: { allowedNetworks: ['127.0.0.1'] } })),
    metrics: createMetrics(),
    log: silentLogger(),
  });
  const ask = beforeOfflinePush(webhooks);
  const asked = () => receiver.take().map(({ body }) => body);

  assert.deepEqual((await ask(wake, SIGNAL))?.userIDs, ['b', 'c']);
  assert.deepEqual(asked(), [BODY]);

  receiver.answer({ userIDList: ['d'], offlinePushInfo: { title: 'T', desc: 'D' } });
  const changed = await ask(wake, SIGNAL);
  assert.deepEqual(changed?.userIDs, ['d']);
  assert.equal(changed?.message.offlinePushInfo?.title, 'T');
  assert.equal(changed?.message.groupID, '');
  assert.equal(changed?.conversationID, 'si_a_b');

  const info = { title: 't', desc: 'd', ex: 'e', iOSPushSound: 's', iOSBadgeCount: true, signalInfo: 'i' };
  const notification = {
    contentType: 1_204,
    content: Buffer.from('{"detail":"{}"}'),
    offlinePushInfo: make('sdkws.OfflinePushInfo', info),
  };
  receiver.take();
  await ask({ ...wake, message: make('sdkws.MsgData', { ...message, ...notification }) }, SIGNAL);
  assert.deepEqual(asked(), [{ ...BODY, ...info, contentType: 1_204, content: '{}' }]);

  receiver.answer(REFUSAL);
  assert.equal(await ask(wake, SIGNAL), undefined);
  for (const [answer, code] of [
    ['garbage', ERR.DataError],
    ['die', ERR.NetworkError],
    ['hang', ERR.NetworkError],
  ] as const) {
    receiver.answer(answer);
    await assert.rejects(
      ask(wake, SIGNAL),
      (error) => error instanceof ImError && error.code === code,
      answer,
    );
  }
  receiver.take();
  tenants.put(tenantSettings(settings));
  assert.equal(await ask(wake, SIGNAL), wake);
  assert.deepEqual(asked(), []);
  webhooks.close();
});
