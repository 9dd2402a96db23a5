import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VerificationSettings } from '@im/contract';
import { aliyunSms } from '../src/aliyun.ts';
import type { Outcome } from '../src/outcome.ts';
import type { SmsCode, SmsProvider } from '../src/sms-provider.ts';
import { tencentSms } from '../src/tencent.ts';
import { vendorHttp } from '../src/vendor-http.ts';
import { ALIYUN_KEY, startAliyun } from './vendors/aliyun-server.ts';
import { startTencent, TENCENT_APP, TENCENT_KEY } from './vendors/tencent-server.ts';
import type { VendorReply, VendorServer } from './vendors/vendor-server.ts';

const LOCAL = ['127.0.0.0/8'];
const never = () => AbortSignal.timeout(60_000);
const code = (fields: Partial<SmsCode> = {}): SmsCode => ({
  ...{ number: '+8613800000000', language: 'zh', code: '012345', minutes: 5 },
  ...fields,
});

type Sms = VerificationSettings['sms'];
interface Given {
  readonly url: string;
  readonly change?: object;
  readonly networks?: readonly string[];
  readonly now?: () => number;
}

function aliyun({ url, change, networks = LOCAL, now }: Given): SmsProvider {
  const template = (templateCode: string, params?: object) => ({
    signName: '聊天',
    templateCode,
    ...(params && { params }),
  });
  const settings = {
    ...ALIYUN_KEY,
    url,
    templates: {
      zh: template('SMS_100'),
      en: template('SMS_200', { code: '{code}', minutes: "{minutes} min (*'!)" }),
    },
    ...change,
  };
  const parsed = VerificationSettings.parse({ sms: { aliyun: settings } }).sms.aliyun as NonNullable<
    Sms['aliyun']
  >;
  return aliyunSms(parsed, vendorHttp(networks), now);
}

function tencent({ url, change, networks = LOCAL, now }: Given): SmsProvider {
  const template = { signName: '聊天', templateID: '900', params: ['{code}', '{minutes}'] };
  const settings = { ...TENCENT_KEY, appID: TENCENT_APP, url, templates: { zh: template }, ...change };
  const parsed = VerificationSettings.parse({ sms: { tencent: settings } }).sms.tencent as NonNullable<
    Sms['tencent']
  >;
  return tencentSms(parsed, vendorHttp(networks), now);
}

const PROVIDERS = [
  {
    name: 'aliyun',
    start: startAliyun,
    make: aliyun,
    wrong: { accessKeySecret: 'wrong' },
    unknown: { accessKeyID: 'other' },
  },
  {
    name: 'tencent',
    start: startTencent,
    make: tencent,
    wrong: { secretKey: 'wrong' },
    unknown: { secretID: 'other' },
  },
] as const;

/** Plans replies and returns what becomes of one code after another. */
async function outcomes(server: VendorServer, provider: SmsProvider, replies: readonly VendorReply[]) {
  const found: Outcome[] = [];
  for (const reply of replies) {
    server.replies.push(reply);
    found.push(await provider.send(code(), never()));
  }
  return found;
}

const kind = (outcome: Outcome) => (outcome.kind === 'refused' ? outcome.reason : outcome.kind);

for (const { name, start, make, wrong, unknown } of PROVIDERS) {
  test(`${name} takes codes, signed as it demands`, async () => {
    await using server = await start();
    const provider = make({ url: server.url });
    const sent = await provider.send(code(), never());
    assert.equal(kind(sent), 'sent');
    assert.ok(sent.kind === 'sent' && sent.id !== '');
    assert.match(server.sent[0]?.number ?? '', /^\+?8613800000000$/);
    assert.match(server.sent[0]?.params ?? '', /012345/);
    // A language without a template has that of the other.
    assert.equal(
      kind(await provider.send(code({ language: 'en', number: '+85251234567' }), never())),
      'sent',
    );
    provider.close();
  });

  test(`${name} refuses wrong secrets and clocks, and bad numbers`, async () => {
    await using server = await start();
    const outcome = async (given: Omit<Given, 'url'>, fields = {}) => {
      const provider = make({ url: server.url, ...given });
      const result = await provider.send(code(fields), never());
      provider.close();
      return kind(result);
    };
    assert.equal(await outcome({ change: wrong }), 'credentials');
    assert.equal(await outcome({ change: unknown }), 'credentials');
    assert.equal(await outcome({ now: () => Date.now() - 16 * 60_000 }), 'clock');
    assert.equal(await outcome({ now: () => Date.now() + 16 * 60_000 }), 'clock');
    assert.equal(await outcome({}, { number: '+86123' }), 'address');
    assert.equal(server.sent.length, 0);
  });

  test(`${name}: what comes after the request went out is unknown, what came before is not`, async () => {
    await using server = await start();
    const provider = make({ url: server.url });
    const found = await outcomes(server, provider, [
      'cut',
      { status: 502, body: '<html>Bad Gateway</html>' },
      { status: 200, body: 'garbage' },
      { status: 429, body: '' },
      { status: 403, body: '' },
    ]);
    assert.deepEqual(found.map(kind), ['unknown', 'unknown', 'unknown', 'overload', 'credentials']);
    server.replies.push('hang');
    assert.equal(kind(await provider.send(code(), AbortSignal.timeout(300))), 'unknown');
    provider.close();
    const { url } = server;
    await server[Symbol.asyncDispose]();
    assert.equal(kind(await make({ url }).send(code(), never())), 'unavailable');
  });

  test(`${name} at an internal address is refused unless the operator allows it`, async () => {
    await using server = await start();
    assert.equal(kind(await make({ url: server.url, networks: [] }).send(code(), never())), 'network');
    const named = server.url.replace('127.0.0.1', 'localhost');
    assert.equal(kind(await make({ url: named, networks: [] }).send(code(), never())), 'network');
    assert.equal(server.requests, 0);
  });
}

test('every refusal of Aliyun has its reason', async () => {
  await using server = await startAliyun();
  const provider = aliyun({ url: server.url });
  const table = {
    'isv.BUSINESS_LIMIT_CONTROL': 'limit',
    'isv.DAY_LIMIT_CONTROL': 'limit',
    'isv.MOBILE_NUMBER_ILLEGAL': 'address',
    'isv.MOBILE_COUNT_OVER_LIMIT': 'address',
    'isv.AMOUNT_NOT_ENOUGH': 'balance',
    'isv.OUT_OF_SERVICE': 'balance',
    'isv.ACCOUNT_ABNORMAL': 'credentials',
    'isv.PRODUCT_UN_SUBSCRIPT': 'credentials',
    'isv.SMS_SIGNATURE_ILLEGAL': 'template',
    'isv.TEMPLATE_MISSING_PARAMETERS': 'template',
    'isp.RAM_PERMISSION_DENY': 'credentials',
    'isp.SYSTEM_ERROR': 'unavailable',
    'Throttling.User': 'overload',
    'InvalidTimeStamp.Expired': 'clock',
    SignatureDoesNotMatch: 'credentials',
    'InvalidAccessKeyId.Inactive': 'credentials',
    SomethingNew: 'rejected',
  };
  const replies = Object.keys(table).map((Code) => ({ status: 200, body: { Code, Message: 'm' } }));
  assert.deepEqual((await outcomes(server, provider, replies)).map(kind), Object.values(table));
  assert.equal(server.sent.length, 0);
});

test('every refusal of Tencent has its reason, of the request or of the number', async () => {
  await using server = await startTencent();
  const provider = tencent({ url: server.url });
  const ofNumber = {
    'LimitExceeded.PhoneNumberThirtySecondLimit': 'limit',
    'LimitExceeded.AppDailyLimit': 'limit',
    'FailedOperation.InsufficientBalanceInSmsPackage': 'balance',
    'FailedOperation.PhoneNumberInBlacklist': 'address',
    'FailedOperation.TemplateIncorrectOrUnapproved': 'template',
    'FailedOperation.SignatureIncorrectOrUnapproved': 'template',
    'InvalidParameterValue.IncorrectPhoneNumber': 'address',
    'InternalError.Timeout': 'unknown',
  };
  const ofRequest = {
    'AuthFailure.SignatureExpire': 'clock',
    'AuthFailure.SignatureFailure': 'credentials',
    'UnauthorizedOperation.SmsSdkAppIdVerifyFail': 'credentials',
    'InvalidParameterValue.SdkAppIdNotExist': 'credentials',
    RequestLimitExceeded: 'overload',
    MissingParameter: 'template',
    SomethingNew: 'rejected',
  };
  const replies: VendorReply[] = [
    ...Object.keys(ofNumber).map((Code) => ({
      status: 200,
      body: { Response: { SendStatusSet: [{ Code, Message: 'm', SerialNo: '' }] } },
    })),
    ...Object.keys(ofRequest).map((Code) => ({
      status: 200,
      body: { Response: { Error: { Code, Message: 'm' } } },
    })),
  ];
  const wanted = [...Object.values(ofNumber), ...Object.values(ofRequest)];
  assert.deepEqual((await outcomes(server, provider, replies)).map(kind), wanted);
});
