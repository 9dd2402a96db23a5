import { createHash, createHmac } from 'node:crypto';
import { startVendor, type VendorReply, type VendorRequest, type VendorServer } from './vendor-server.ts';

export const TENCENT_KEY = { secretID: 'AKID-test', secretKey: 'secret-of-tencent' };
export const TENCENT_APP = '1400000001';
const SKEW_S = 300;
const TEMPLATES = new Map([['900', 2]]);
const SIGNS = new Set(['聊天']);

/**
 * Tencent Cloud SMS: https://cloud.tencent.com/document/api/382/52071 for the signature,
 * https://cloud.tencent.com/document/api/382/55981 for the action and its errors.
 */
export function startTencent(now: () => number = Date.now): Promise<VendorServer> {
  function judge({
    method,
    url,
    headers,
    body,
  }: VendorRequest): { number: string; params: string } | VendorReply {
    const refuse = (Code: string, Message: string): VendorReply => ({
      status: 200,
      body: { Response: { Error: { Code, Message }, RequestId: 'r' } },
    });
    const header = (name: string) => String(headers[name] ?? '');
    if (method !== 'POST' || url.pathname !== '/') return refuse('InvalidRequest', 'method or path');
    const [, id, date, service, names = '', signature] =
      /^TC3-HMAC-SHA256 Credential=([^/]+)\/(\d{4}-\d\d-\d\d)\/([a-z]+)\/tc3_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/.exec(
        header('authorization'),
      ) ?? [];
    if (id === undefined || date === undefined)
      return refuse('AuthFailure.InvalidAuthorization', 'authorization');
    if (id !== TENCENT_KEY.secretID) return refuse('AuthFailure.SecretIdNotFound', id);
    const timestamp = Number(header('x-tc-timestamp'));
    if (!(Math.abs(timestamp - now() / 1_000) <= SKEW_S))
      return refuse('AuthFailure.SignatureExpire', `${timestamp}`);
    const day = new Date(timestamp * 1_000).toISOString().slice(0, 10);
    if (date !== day || service !== 'sms') return refuse('AuthFailure.SignatureFailure', 'scope');
    const signed = names.split(';');
    if (!signed.includes('content-type') || !signed.includes('host'))
      return refuse('AuthFailure.InvalidAuthorization', 'content-type and host must be signed');
    const hash = (text: string) => createHash('sha256').update(text).digest('hex');
    const values = signed.map((name) => `${name}:${header(name).trim().toLowerCase()}\n`).join('');
    const canonical = `POST\n/\n\n${values}\n${names}\n${hash(body)}`;
    const mac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest();
    const key = mac(mac(mac(`TC3${TENCENT_KEY.secretKey}`, date), 'sms'), 'tc3_request');
    const text = `TC3-HMAC-SHA256\n${timestamp}\n${date}/sms/tc3_request\n${hash(canonical)}`;
    if (mac(key, text).toString('hex') !== signature)
      return refuse('AuthFailure.SignatureFailure', 'signature');
    if (header('x-tc-action') !== 'SendSms') return refuse('InvalidAction', header('x-tc-action'));
    if (header('x-tc-version') !== '2021-01-11') return refuse('NoSuchVersion', header('x-tc-version'));
    if (header('x-tc-region') === '') return refuse('MissingParameter', 'region');

    const { PhoneNumberSet, SmsSdkAppId, SignName, TemplateId, TemplateParamSet } = JSON.parse(body);
    if (SmsSdkAppId !== TENCENT_APP) return refuse('UnauthorizedOperation.SmsSdkAppIdVerifyFail', 'app');
    const [number] = PhoneNumberSet as string[];
    const refuseNumber = (Code: string): VendorReply => ({
      status: 200,
      body: {
        Response: { SendStatusSet: [{ Code, Message: Code, PhoneNumber: number, SerialNo: '', Fee: 0 }] },
      },
    });
    if (number === undefined || !/^\+[1-9]\d{6,14}$/.test(number) || /^\+86(?!1[3-9]\d{9}$)/.test(number))
      return refuseNumber('InvalidParameterValue.IncorrectPhoneNumber');
    if (number.startsWith('+86') && !SIGNS.has(SignName))
      return refuseNumber('FailedOperation.SignatureIncorrectOrUnapproved');
    const wanted = TEMPLATES.get(TemplateId);
    if (wanted === undefined) return refuseNumber('FailedOperation.TemplateIncorrectOrUnapproved');
    const params = TemplateParamSet as unknown[];
    if (params.length !== wanted)
      return refuseNumber('FailedOperation.TemplateParamSetNotMatchApprovedTemplate');
    if (params.some((param) => typeof param !== 'string'))
      return refuseNumber('InvalidParameterValue.TemplateParameterFormatError');
    return { number, params: JSON.stringify(params) };
  }

  return startVendor((request, sent) => {
    const judged = judge(request);
    if (judged === 'cut' || judged === 'hang' || 'status' in judged) return { valid: false, reply: judged };
    sent.push(judged);
    const status = { Code: 'Ok', Message: 'send success', SerialNo: `serial-${sent.length}`, Fee: 1 };
    return {
      valid: true,
      reply: { status: 200, body: { Response: { SendStatusSet: [status], RequestId: 'r' } } },
    };
  });
}
