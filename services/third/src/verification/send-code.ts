import type { Language, TenantSettings } from '@im/contract';
import type { CallContext } from '@im/kit';
import { callFields } from '@im/process';
import { make, type third } from '@im/protocol';
import { codeMail, type GuardedSend, type Mail, type Outcome, type SmsCode, sendByFirst } from '@im/sms-mail';
import type { ThirdDeps } from '../deps.ts';
import type { CodeAddress } from './address.ts';

/** A code on its way. */
export interface OutgoingCode {
  readonly to: CodeAddress;
  readonly code: string;
  readonly language: Language;
  readonly minutes: number;
  /** Names the message. */
  readonly id: string;
}

type SendDeps = Pick<ThirdDeps, 'senders' | 'log'>;

/** Shown by tests of providers; no code is stored for it. */
const TEST_CODE = '000000';
const TEST_MINUTES = 5;

/** Sends a code through the providers of a tenant. */
export async function sendCode(
  { senders, log }: SendDeps,
  ctx: CallContext,
  tenant: TenantSettings,
  outgoing: OutgoingCode,
  signal: AbortSignal,
): Promise<Outcome> {
  const { to, code, id } = outgoing;
  if (tenant.verification?.dryRun) {
    log.info(
      { ...callFields(ctx), channel: to.channel },
      'verification code not sent, as verification.dryRun is set',
    );
    log.debug({ ...callFields(ctx), channel: to.channel, code }, 'verification code');
    return { kind: 'sent', id };
  }
  const { sms, mail } = senders.of(tenant);
  const { provider, outcome } =
    to.channel === 'sms'
      ? await sendByFirst(sms, smsOf(outgoing), signal)
      : await sendByFirst(mail ? [mail] : [], mailOf(tenant, outgoing), signal);
  if (outcome.kind !== 'sent')
    // Without the text of the provider, which may repeat the address.
    log.warn(
      { ...callFields(ctx), channel: to.channel, provider, reason: reasonOf(outcome) },
      'verification code not sent',
    );
  return outcome;
}

/** Sends a message through each provider of a channel, and reports what each has answered. */
export async function testProviders(
  { senders }: Pick<ThirdDeps, 'senders'>,
  tenant: TenantSettings,
  test: Pick<OutgoingCode, 'to' | 'language' | 'id'>,
  signal: AbortSignal,
): Promise<third.VerificationTestResult[]> {
  const { sms, mail } = senders.of(tenant);
  const outgoing = { ...test, code: TEST_CODE, minutes: TEST_MINUTES };
  const each = <T>(providers: readonly GuardedSend<T>[], message: T) =>
    providers.map(async (provider) => resultOf(provider.name, await provider.send(message, signal)));
  return Promise.all(
    test.to.channel === 'sms'
      ? each(sms, smsOf(outgoing))
      : each(mail ? [mail] : [], mailOf(tenant, outgoing)),
  );
}

function reasonOf(outcome: Outcome): string {
  return outcome.kind === 'refused' ? outcome.reason : outcome.kind;
}

function smsOf({ to, code, language, minutes }: OutgoingCode): SmsCode {
  return { number: to.address, code, language, minutes };
}

function mailOf({ verification }: TenantSettings, { to, id, ...code }: OutgoingCode): Mail {
  return { id, to: [to.address], ...codeMail(verification?.mail, code) };
}

function resultOf(provider: string, outcome: Outcome): third.VerificationTestResult {
  return make('third.VerificationTestResult', {
    provider,
    outcome: outcome.kind,
    reason: outcome.kind === 'refused' ? outcome.reason : '',
    detail: outcome.kind === 'sent' ? '' : outcome.detail,
    id: outcome.kind === 'sent' ? outcome.id : '',
  });
}
