import { createHash, createHmac, randomUUID } from 'node:crypto';
import type { VerificationSettings } from '@im/contract';
import { type Outcome, type Reason, refused } from './outcome.ts';
import { filled, ofLanguage, type SmsProvider } from './sms-provider.ts';
import { outcomeOfStatus, textOf, type VendorAnswer, type VendorHttp } from './vendor-http.ts';

type AliyunSettings = NonNullable<VerificationSettings['sms']['aliyun']>;

const URL_OF_VENDOR = 'https://dysmsapi.aliyuncs.com';
const ACTION = 'SendSms';
const VERSION = '2017-05-25';
const ALGORITHM = 'ACS3-HMAC-SHA256';

/** Sends codes by the SMS service of Aliyun. */
export function aliyunSms(
  settings: AliyunSettings,
  http: VendorHttp,
  now: () => number = Date.now,
): SmsProvider {
  const { accessKeyID, accessKeySecret, templates, url = URL_OF_VENDOR } = settings;
  return {
    name: 'aliyun',
    async send(code, signal) {
      const { signName, templateCode, params } = ofLanguage(templates, code.language);
      const values = Object.entries(params).map(([name, text]) => [name, filled(text, code)]);
      const query = {
        // Numbers outside of China have no plus sign here.
        PhoneNumbers: code.number.replace(/^\+/, ''),
        SignName: signName,
        TemplateCode: templateCode,
        TemplateParam: JSON.stringify(Object.fromEntries(values)),
      };
      const target = new URL(url);
      const headers = acs3Headers(
        { method: 'POST', path: '/', query, body: '', host: target.host, action: ACTION, version: VERSION },
        { accessKeyID, accessKeySecret },
        { date: new Date(now()), nonce: randomUUID() },
      );
      // As it was signed: URLSearchParams would encode some characters otherwise.
      const signed = new URL(`${target.origin}/?${canonicalQuery(query)}`);
      const answer = await http.post(signed, { headers, body: '' }, signal);
      return answer.kind === 'answer' ? outcomeOf(answer) : answer;
    },
    close: () => http.close(),
  };
}

/** A request as it is signed. */
export interface Acs3Request {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly body: string;
  readonly host: string;
  readonly action: string;
  readonly version: string;
}

/** Headers of a request, with its signature by version 3 of Aliyun's signatures. */
export function acs3Headers(
  { method, path, query, body, host, action, version }: Acs3Request,
  { accessKeyID, accessKeySecret }: Pick<AliyunSettings, 'accessKeyID' | 'accessKeySecret'>,
  { date, nonce }: { readonly date: Date; readonly nonce: string },
): Record<string, string> {
  const headers: Record<string, string> = {
    host,
    'x-acs-action': action,
    'x-acs-content-sha256': sha256(body),
    'x-acs-date': date.toISOString().replace(/\.\d+Z$/, 'Z'),
    'x-acs-signature-nonce': nonce,
    'x-acs-version': version,
  };
  const names = Object.keys(headers).sort();
  const canonical = [
    method,
    path,
    canonicalQuery(query),
    ...names.map((name) => `${name}:${headers[name]}`),
    '',
    names.join(';'),
    sha256(body),
  ].join('\n');
  const signature = createHmac('sha256', accessKeySecret)
    .update(`${ALGORITHM}\n${sha256(canonical)}`)
    .digest('hex');
  const authorization = `${ALGORITHM} Credential=${accessKeyID},SignedHeaders=${names.join(';')},Signature=${signature}`;
  return { ...headers, authorization };
}

function canonicalQuery(query: Readonly<Record<string, string>>): string {
  return Object.keys(query)
    .sort()
    .map((name) => `${encoded(name)}=${encoded(query[name] ?? '')}`)
    .join('&');
}

/** RFC 3986: encodeURIComponent leaves five characters more. */
function encoded(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Codes of the SMS service, by the beginning; the first that fits counts. */
const REASONS: readonly (readonly [beginning: string, reason: Reason])[] = [
  ['isv.BUSINESS_LIMIT_CONTROL', 'limit'],
  ['isv.DAY_LIMIT_CONTROL', 'limit'],
  ['isv.MONTH_LIMIT_CONTROL', 'limit'],
  ['isv.SMS_CONTENT_MISMATCH_TEMPLATE_TYPE', 'template'],
  ['isv.MOBILE_', 'address'],
  ['isv.BLACK_KEY_CONTROL_LIMIT', 'template'],
  ['isv.DENY_IP_RANGE', 'credentials'],
  ['isv.AMOUNT_NOT_ENOUGH', 'balance'],
  ['isv.OUT_OF_SERVICE', 'balance'],
  ['isv.ACCOUNT_', 'credentials'],
  ['isv.PRODUCT_UN', 'credentials'],
  ['isv.', 'template'],
  ['isp.RAM_PERMISSION_DENY', 'credentials'],
  ['isp.', 'unavailable'],
  ['Throttling', 'overload'],
  ['ServiceUnavailable', 'unavailable'],
  ['InvalidTimeStamp', 'clock'],
  ['SignatureNonceUsed', 'unavailable'],
  ['SignatureDoesNotMatch', 'credentials'],
  ['InvalidAccessKeyId', 'credentials'],
  ['IncompleteSignature', 'credentials'],
  ['Forbidden', 'credentials'],
  ['NoPermission', 'credentials'],
];

/** Most refusals come with status 200, and name their reason by a code. */
function outcomeOf({ status, json }: VendorAnswer): Outcome {
  const code = textOf(json.Code);
  if (code === 'OK' && status === 200) return { kind: 'sent', id: textOf(json.BizId) };
  const known = REASONS.find(([beginning]) => code.startsWith(beginning));
  if (known) return refused(known[1], `${code}: ${textOf(json.Message)}`);
  if (code === '' || status >= 500) return outcomeOfStatus(status);
  return refused('rejected', `${code}: ${textOf(json.Message)}`);
}
