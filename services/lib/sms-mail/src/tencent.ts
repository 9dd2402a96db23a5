import { createHash, createHmac } from 'node:crypto';
import type { VerificationSettings } from '@im/contract';
import { type Outcome, type Reason, refused, unknown } from './outcome.ts';
import { filled, ofLanguage, type SmsProvider } from './sms-provider.ts';
import { outcomeOfStatus, textOf, type VendorAnswer, type VendorHttp } from './vendor-http.ts';

type TencentSettings = NonNullable<VerificationSettings['sms']['tencent']>;

const URL_OF_VENDOR = 'https://sms.tencentcloudapi.com';
const SERVICE = 'sms';
const ACTION = 'SendSms';
const VERSION = '2021-01-11';
const ALGORITHM = 'TC3-HMAC-SHA256';
const CONTENT_TYPE = 'application/json; charset=utf-8';

/** Tencent Cloud SMS. */
export function tencentSms(
  settings: TencentSettings,
  http: VendorHttp,
  now: () => number = Date.now,
): SmsProvider {
  const { secretID, secretKey, appID, region, templates, url = URL_OF_VENDOR } = settings;
  return {
    name: 'tencent',
    async send(code, signal) {
      const { signName, templateID, params } = ofLanguage(templates, code.language);
      const body = JSON.stringify({
        PhoneNumberSet: [code.number],
        SmsSdkAppId: appID,
        ...(signName !== '' && { SignName: signName }),
        TemplateId: templateID,
        TemplateParamSet: params.map((text) => filled(text, code)),
      });
      const target = new URL(url);
      const request = { host: target.host, service: SERVICE, action: ACTION, body };
      const headers = {
        ...tc3Headers(request, { secretID, secretKey }, Math.floor(now() / 1_000)),
        'x-tc-version': VERSION,
        'x-tc-region': region,
      };
      const answer = await http.post(new URL('/', target), { headers, body }, signal);
      return answer.kind === 'answer' ? outcomeOf(answer) : answer;
    },
    close: () => http.close(),
  };
}

/** A request as it is signed. */
export interface Tc3Request {
  readonly host: string;
  readonly service: string;
  readonly action: string;
  readonly body: string;
}

/** Headers of a request, with its signature by version 3 of Tencent Cloud's signatures. @param timestamp in seconds. */
export function tc3Headers(
  { host, service, action, body }: Tc3Request,
  { secretID, secretKey }: Pick<TencentSettings, 'secretID' | 'secretKey'>,
  timestamp: number,
): Record<string, string> {
  const date = new Date(timestamp * 1_000).toISOString().slice(0, 10);
  const scope = `${date}/${service}/tc3_request`;
  const names = 'content-type;host;x-tc-action';
  const canonical = [
    'POST',
    '/',
    '',
    `content-type:${CONTENT_TYPE}`,
    `host:${host}`,
    `x-tc-action:${action.toLowerCase()}`,
    '',
    names,
    sha256(body),
  ].join('\n');
  const text = [ALGORITHM, String(timestamp), scope, sha256(canonical)].join('\n');
  const key = [date, service, 'tc3_request'].reduce<string | Buffer>(hmac, `TC3${secretKey}`);
  const signature = hmac(key, text).toString('hex');
  return {
    host,
    'content-type': CONTENT_TYPE,
    'x-tc-action': action,
    'x-tc-timestamp': String(timestamp),
    authorization: `${ALGORITHM} Credential=${secretID}/${scope}, SignedHeaders=${names}, Signature=${signature}`,
  };
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Codes of requests and of single numbers, by the beginning; the first that fits counts. */
const REASONS: readonly (readonly [beginning: string, reason: Reason])[] = [
  ['LimitExceeded.', 'limit'],
  ['RequestLimitExceeded', 'overload'],
  ['FailedOperation.PhoneNumberInBlacklist', 'address'],
  ['FailedOperation.InsufficientBalanceInSmsPackage', 'balance'],
  ['FailedOperation.', 'template'],
  ['InvalidParameterValue.IncorrectPhoneNumber', 'address'],
  ['InvalidParameterValue.SdkAppIdNotExist', 'credentials'],
  ['InvalidParameter', 'template'],
  ['MissingParameter', 'template'],
  ['UnknownParameter', 'template'],
  ['UnsupportedOperation', 'template'],
  ['AuthFailure.SignatureExpire', 'clock'],
  ['AuthFailure', 'credentials'],
  ['UnauthorizedOperation', 'credentials'],
  ['ResourceUnavailable', 'unavailable'],
];

/** Refusals come with status 200: of the request, or of its only number. */
function outcomeOf({ status, json }: VendorAnswer): Outcome {
  const response = recordOf(json.Response);
  const failure = recordOf(response.Error);
  const [number] = Array.isArray(response.SendStatusSet) ? response.SendStatusSet : [];
  const { Code, Message, SerialNo } = { ...recordOf(number), ...failure };
  const code = textOf(Code);
  if (code === 'Ok' && status === 200) return { kind: 'sent', id: textOf(SerialNo) };
  const detail = `${code}: ${textOf(Message)}`;
  const known = REASONS.find(([beginning]) => code.startsWith(beginning));
  if (known) return refused(known[1], detail);
  if (code.startsWith('InternalError')) return unknown(detail);
  if (code === '' || status >= 500) return outcomeOfStatus(status);
  return refused('rejected', detail);
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
