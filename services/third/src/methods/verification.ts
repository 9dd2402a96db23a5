import { isIP } from 'node:net';
import {
  acceptedTokenSecrets,
  CODE_DIGITS,
  CODE_PURPOSES,
  type CodePurpose,
  LANGUAGES,
  type Language,
  type TenantSettings,
  type VerificationSettings,
} from '@im/contract';
import { type CallContext, randomId, remainingMs, requireAdmin, unknownTenant } from '@im/kit';
import { argsError, ERR, ImError, make } from '@im/protocol';
import type { ThirdDeps, ThirdMethods } from '../deps.ts';
import { type CodeAddress, codeAddress, countedAddress, countedIP } from '../verification/address.ts';
import { reserve } from '../verification/limits.ts';
import { codeSecrets, newCode } from '../verification/secrets.ts';
import { sendCode, testProviders } from '../verification/send-code.ts';

type Methods = ThirdMethods<'sendVerificationCode' | 'verifyCode' | 'testVerification'>;

/** Time that is kept for the answer when a provider takes long. */
const ANSWER_MS = 500;
/** Tests of a tenant at once: they are for people. */
const MAX_TESTS = 2;

/** Verification codes by SMS and mail. Nothing here knows accounts, so no answer reveals whether an address has one. */
export function verificationMethods(deps: ThirdDeps): Methods {
  const { codes, tenants, codeMetrics } = deps;
  const tests = new Map<string, number>();

  function settingsFor(ctx: CallContext): { tenant: TenantSettings; verification: VerificationSettings } {
    const tenant = tenants.get(ctx.tenant);
    if (!tenant) throw unknownTenant(ctx.tenant);
    const { verification } = tenant;
    if (!verification) throw argsError('the tenant has no settings `verification`');
    if (verification.callers === 'administrators' || ctx.opUserID === '') requireAdmin(ctx);
    return { tenant, verification };
  }

  /** Whether the code is the one that was sent; that takes it. A change of the tenant's key keeps codes valid. */
  async function takesCode(
    ctx: CallContext,
    tenant: TenantSettings,
    given: {
      readonly purpose: CodePurpose;
      readonly address: string;
      readonly code: string;
      readonly attempts: number;
    },
  ): Promise<boolean> {
    const { purpose, code, attempts } = given;
    for (const secret of acceptedTokenSecrets(tenant, Date.now())) {
      const secrets = codeSecrets(secret);
      const address = secrets.name(given.address);
      const key = [purpose, address];
      const stored = await codes.attempt(ctx.tenant, key, attempts, Date.now());
      if (!stored) continue;
      const isSame = secrets.isSame({ purpose, address, id: stored.id, code }, stored.hash);
      // Of several that verify it at once, one removes it.
      return isSame && (await codes.remove(ctx.tenant, key, stored.id));
    }
    return false;
  }

  return {
    async sendVerificationCode(ctx, req) {
      const { tenant, verification } = settingsFor(ctx);
      const purpose = purposeOf(req.purpose);
      const to = codeAddress(req);
      const language = languageOf(req.language, verification);
      if (req.clientIP !== '' && isIP(req.clientIP) === 0) throw argsError('clientIP is not an IP address');
      requireChannel(to, tenant, verification);
      const secrets = codeSecrets(tenant.tokenSecret);
      const address = secrets.name(countedAddress(to));
      const ip = req.clientIP === '' ? undefined : secrets.name(countedIP(req.clientIP));
      const at = Date.now();
      const reservation = await reserve(codes, ctx.tenant, verification, { address, ip }, at);
      const { lifeSeconds, intervalSeconds } = verification;
      const [id, code] = [randomId(), newCode()];
      const hash = secrets.hash({ purpose, address, id, code });
      await codes.put(ctx.tenant, [purpose, address], { id, hash, expires: at + lifeSeconds * 1_000 });
      // Not ended with the caller: the code would be on its way, and nothing would say so.
      const signal = AbortSignal.timeout(Math.max(0, remainingMs(ctx) - ANSWER_MS));
      const minutes = Math.ceil(lifeSeconds / 60);
      const outcome = await sendCode(deps, ctx, tenant, { to, code, language, minutes, id }, signal);
      codeMetrics.sends.inc({ channel: to.channel, outcome: outcome.kind });
      if (outcome.kind === 'sent')
        return make('third.SendVerificationCodeResp', {
          expireSeconds: lifeSeconds,
          resendSeconds: intervalSeconds,
        });
      if (outcome.kind === 'refused') {
        await codes.remove(ctx.tenant, [purpose, address], id);
        await reservation.takeBack();
      }
      throw notSent(to, outcome.kind, outcome.kind === 'refused' ? outcome.reason : '');
    },

    async verifyCode(ctx, req) {
      const { tenant, verification } = settingsFor(ctx);
      const purpose = purposeOf(req.purpose);
      const to = codeAddress(req);
      const isCode = req.code.length === CODE_DIGITS && /^[0-9]+$/.test(req.code);
      const address = countedAddress(to);
      const taken =
        isCode &&
        (await takesCode(ctx, tenant, { purpose, address, code: req.code, attempts: verification.attempts }));
      if (!taken) {
        codeMetrics.attempts.inc({ outcome: 'refused' });
        throw new ImError(ERR.CodeInvalidOrExpired, 'the code is wrong, or no longer valid');
      }
      codeMetrics.attempts.inc({ outcome: 'ok' });
      return make('third.VerifyCodeResp');
    },

    async testVerification(ctx, req) {
      requireAdmin(ctx);
      const { tenant, verification } = settingsFor(ctx);
      const to = codeAddress(req);
      const language = languageOf(req.language, verification);
      const running = tests.get(ctx.tenant) ?? 0;
      if (running >= MAX_TESTS) throw new ImError(ERR.TooManyRequests, 'too many tests run; try again');
      tests.set(ctx.tenant, running + 1);
      try {
        const signal = AbortSignal.timeout(Math.max(0, remainingMs(ctx) - ANSWER_MS));
        return make('third.TestVerificationResp', {
          results: await testProviders(deps, tenant, { to, language, id: randomId() }, signal),
        });
      } finally {
        const left = (tests.get(ctx.tenant) ?? 0) - 1;
        if (left > 0) tests.set(ctx.tenant, left);
        else tests.delete(ctx.tenant);
      }
    },
  };
}

function purposeOf(text: string): CodePurpose {
  const purpose = CODE_PURPOSES.find((one) => one === text);
  if (purpose === undefined) throw argsError(`purpose must be one of ${CODE_PURPOSES.join(', ')}`);
  return purpose;
}

function languageOf(text: string, { language }: VerificationSettings): Language {
  if (text === '') return language;
  const found = LANGUAGES.find((one) => one === text);
  if (found === undefined) throw argsError(`language must be one of ${LANGUAGES.join(', ')}`);
  return found;
}

/** @throws ImError 1001 when the tenant sends nothing to such an address. */
function requireChannel(
  { channel, address }: CodeAddress,
  tenant: TenantSettings,
  { sms, dryRun }: VerificationSettings,
) {
  const { countries, aliyun, tencent } = sms;
  if (channel === 'sms' && countries.length > 0 && !countries.some((start) => address.startsWith(start)))
    throw argsError('phone: numbers of this country get no codes; see verification.sms.countries');
  if (dryRun) return;
  if (channel === 'sms' && !aliyun && !tencent) throw argsError('phone: the tenant has no provider of SMS');
  if (channel === 'mail' && !tenant.mail) throw argsError('mail: the tenant has no settings `mail`');
}

function notSent({ channel }: CodeAddress, kind: 'refused' | 'unknown', reason: string): ImError {
  if (reason === 'address')
    return argsError(`${channel === 'sms' ? 'phone' : 'mail'}: the provider does not send to it`);
  if (reason === 'limit')
    return new ImError(
      ERR.TooManyRequests,
      'the provider sends no more codes to this address for now; try again later',
    );
  const code = channel === 'sms' ? ERR.SmsSendCodeErr : ERR.MailSendCodeErr;
  return new ImError(
    code,
    kind === 'unknown'
      ? 'the provider did not answer; the code may still arrive'
      : `the code was not sent: ${reason}`,
  );
}
