import { createHash, createHmac } from 'node:crypto';
import { startVendor, type VendorReply, type VendorRequest, type VendorServer } from './vendor-server.ts';

export const ALIYUN_KEY = { accessKeyID: 'LTAI-test', accessKeySecret: 'secret-of-aliyun' };
const SKEW_MS = 15 * 60_000;
const TEMPLATES = new Map([
  ['SMS_100', ['code']],
  ['SMS_200', ['code', 'minutes']],
]);
const SIGNS = new Set(['聊天']);

/**
 * Aliyun SMS: https://help.aliyun.com/zh/sdk/product-overview/v3-request-structure-and-signature for the signature,
 * https://help.aliyun.com/zh/sms/developer-reference/api-dysmsapi-2017-05-25-sendsms for the action and its errors.
 */
export function startAliyun(now: () => number = Date.now): Promise<VendorServer> {
  const nonces = new Set<string>();

  function judge({
    method,
    url,
    headers,
    body,
  }: VendorRequest): { number: string; params: string } | VendorReply {
    const refuse = (status: number, Code: string, Message: string): VendorReply => ({
      status,
      body: { Code, Message, RequestId: 'r' },
    });
    const header = (name: string) => String(headers[name] ?? '');
    const [, credential, names, signature] =
      /^ACS3-HMAC-SHA256 Credential=([^,]+),SignedHeaders=([^,]+),Signature=([0-9a-f]{64})$/.exec(
        header('authorization'),
      ) ?? [];
    if (credential === undefined || names === undefined)
      return refuse(400, 'IncompleteSignature', 'authorization');
    if (credential !== ALIYUN_KEY.accessKeyID)
      return refuse(404, 'InvalidAccessKeyId.NotFound', 'Specified access key is not found.');
    const signed = names.split(';');
    const mustBe = Object.keys(headers).filter((name) => name.startsWith('x-acs-') || name === 'host');
    if (mustBe.some((name) => !signed.includes(name)) || signed.join() !== signed.toSorted().join())
      return refuse(400, 'IncompleteSignature', 'signed headers');
    const hash = (text: string) => createHash('sha256').update(text).digest('hex');
    if (header('x-acs-content-sha256') !== hash(body)) return refuse(400, 'SignatureDoesNotMatch', 'body');
    // As it was written in the request: the signature covers the spelling.
    const pairs = url.search.slice(1).split('&').toSorted().join('&');
    const canonical = `${method}\n${url.pathname}\n${pairs}\n${signed
      .map((name) => `${name}:${header(name).trim()}\n`)
      .join('')}\n${names}\n${hash(body)}`;
    const wanted = createHmac('sha256', ALIYUN_KEY.accessKeySecret)
      .update(`ACS3-HMAC-SHA256\n${hash(canonical)}`)
      .digest('hex');
    if (signature !== wanted) return refuse(400, 'SignatureDoesNotMatch', 'signature');
    const date = header('x-acs-date');
    if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(date)) return refuse(400, 'InvalidTimeStamp.Format', date);
    if (Math.abs(Date.parse(date) - now()) > SKEW_MS) return refuse(400, 'InvalidTimeStamp.Expired', date);
    const nonce = header('x-acs-signature-nonce');
    if (nonce === '' || nonces.has(nonce)) return refuse(400, 'SignatureNonceUsed', nonce);
    nonces.add(nonce);
    if (header('x-acs-action') !== 'SendSms' || header('x-acs-version') !== '2017-05-25')
      return refuse(404, 'InvalidAction.NotFound', header('x-acs-action'));

    const refuseSms = (code: string, message: string) => refuse(200, code, message);
    const given = url.searchParams;
    const number = given.get('PhoneNumbers') ?? '';
    const template = TEMPLATES.get(given.get('TemplateCode') ?? '');
    if (!/^(?:86)?1[3-9]\d{9}$/.test(number) && !/^(?!86)[1-9]\d{6,14}$/.test(number))
      return refuseSms('isv.MOBILE_NUMBER_ILLEGAL', `${number}invalid mobile number`);
    if (!SIGNS.has(given.get('SignName') ?? '')) return refuseSms('isv.SMS_SIGNATURE_ILLEGAL', 'sign');
    if (!template) return refuseSms('isv.SMS_TEMPLATE_ILLEGAL', 'template');
    const params: unknown = JSON.parse(given.get('TemplateParam') ?? '""');
    if (typeof params !== 'object' || params === null) return refuseSms('isv.INVALID_JSON_PARAM', 'param');
    const values = params as Record<string, unknown>;
    for (const name of template) {
      if (values[name] === undefined) return refuseSms('isv.TEMPLATE_MISSING_PARAMETERS', name);
      if (typeof values[name] !== 'string') return refuseSms('isv.TEMPLATE_PARAMS_ILLEGAL', name);
    }
    return { number, params: JSON.stringify(values) };
  }

  return startVendor((request, sent) => {
    const judged = judge(request);
    if (judged === 'cut' || judged === 'hang' || 'status' in judged) return { valid: false, reply: judged };
    sent.push(judged);
    const body = { Code: 'OK', Message: 'OK', BizId: `biz-${sent.length}`, RequestId: 'r' };
    return { valid: true, reply: { status: 200, body } };
  });
}
