import assert from 'node:assert/strict';
import { test } from 'node:test';
import { acs3Headers } from './aliyun.ts';
import { tc3Headers } from './tencent.ts';

test("the signature of Aliyun's documentation", () => {
  const headers = acs3Headers(
    {
      method: 'POST',
      path: '/',
      query: {
        ImageId: 'win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd',
        RegionId: 'cn-shanghai',
      },
      body: '',
      host: 'ecs.cn-shanghai.aliyuncs.com',
      action: 'RunInstances',
      version: '2014-05-26',
    },
    { accessKeyID: 'YourAccessKeyId', accessKeySecret: 'YourAccessKeySecret' },
    { date: new Date('2023-10-26T10:22:32Z'), nonce: '3156853299f313e23d1673dc12e1703d' },
  );
  assert.equal(
    headers.authorization,
    'ACS3-HMAC-SHA256 Credential=YourAccessKeyId,SignedHeaders=host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version,Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0',
  );
});

test("the signature of Tencent Cloud's documentation", () => {
  const body = '{"Limit": 1, "Filters": [{"Values": ["\\u672a\\u547d\\u540d"], "Name": "instance-name"}]}';
  const headers = tc3Headers(
    { host: 'cvm.tencentcloudapi.com', service: 'cvm', action: 'DescribeInstances', body },
    { secretID: 'AKID********************************', secretKey: '********************************' },
    1_551_113_065,
  );
  assert.equal(
    headers.authorization,
    'TC3-HMAC-SHA256 Credential=AKID********************************/2019-02-25/cvm/tc3_request, SignedHeaders=content-type;host;x-tc-action, Signature=10b1a37a7301a02ca19a647ad722d5e43b4b3cff309d421d85b46093f6ab6c4f',
  );
});
