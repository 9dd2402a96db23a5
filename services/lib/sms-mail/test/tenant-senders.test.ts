import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type TenantSettingsInput, tenantSettings } from '@im/contract';
import { staticTenants } from '@im/kit';
import { createMetrics } from '@im/process';
import { createSenders } from '../src/index.ts';
import { ALIYUN_KEY, startAliyun } from './vendors/aliyun-server.ts';
import { startTencent, TENCENT_APP, TENCENT_KEY } from './vendors/tencent-server.ts';

const LEFT_ALONE = 'openim_sms_mail_left_alone';
const code = { number: '+8613800000000', language: 'zh', code: '012345', minutes: 5 } as const;

test('senders follow the settings of their tenant, and providers left alone are counted', async () => {
  await using aliyun = await startAliyun();
  await using tencent = await startTencent();
  const metrics = createMetrics();
  const tenants = staticTenants([]);
  let networks: readonly string[] = ['127.0.0.0/8'];
  const senders = createSenders({ tenants, metrics, allowedNetworks: () => networks });
  const settings = (sms: object, more: Partial<TenantSettingsInput> = {}) =>
    tenantSettings({ id: 'shop', tokenSecret: 's', adminSecret: 's', verification: { sms }, ...more });
  const both = {
    order: ['tencent', 'aliyun'],
    aliyun: {
      ...{ ...ALIYUN_KEY, url: aliyun.url },
      templates: { zh: { signName: '聊天', templateCode: 'SMS_100' } },
    },
    tencent: {
      ...{ ...TENCENT_KEY, secretKey: 'wrong', appID: TENCENT_APP, url: tencent.url },
      templates: { zh: { signName: '聊天', templateID: '900', params: ['{code}', '{minutes}'] } },
    },
  };
  const first = settings(both);
  tenants.put(first);
  const { sms, mail } = senders.of(first);
  assert.deepEqual([sms.map(({ name }) => name), mail], [['tencent', 'aliyun'], undefined]);
  assert.equal(senders.of(settings(both)).sms, sms, 'equal settings have the same senders');
  const leftAlone = async () => (await metrics.values(LEFT_ALONE))[0]?.value ?? 0;
  for (let n = 0; n < 5; n++) await sms[0]?.send(code, AbortSignal.timeout(10_000));
  assert.equal(await leftAlone(), 1);
  const sends = await metrics.values('openim_sms_mail_sends_total');
  assert.deepEqual(
    sends.map(({ labels, value }) => [labels.provider, labels.outcome, value]),
    [['tencent', 'credentials', 5]],
  );
  const corrected = senders.of(settings({ ...both, tencent: { ...both.tencent, ...TENCENT_KEY } }));
  assert.equal(await leftAlone(), 0, 'what has changed is tried again');
  assert.equal((await corrected.sms[0]?.send(code, AbortSignal.timeout(10_000)))?.kind, 'sent');
  networks = [];
  const [closed] = senders.of(first).sms;
  assert.notEqual(closed, sms[0]);
  assert.partialDeepStrictEqual(await closed?.send(code, AbortSignal.timeout(10_000)), { reason: 'network' });
  senders.close();
});
