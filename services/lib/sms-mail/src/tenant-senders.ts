import type { MailSettings, TenantId, TenantSettings, VerificationSettings } from '@im/contract';
import type { Metrics, TenantDirectory } from '@im/kit';
import { aliyunSms } from './aliyun.ts';
import { type GuardedSend, type GuardedSendOptions, guardedSend } from './guarded-send.ts';
import { createMailer, type Mail } from './mailer.ts';
import type { SmsCode, SmsProvider } from './sms-provider.ts';
import { tencentSms } from './tencent.ts';
import { vendorHttp } from './vendor-http.ts';

/** By what a tenant sends. */
export interface TenantSenders {
  /** In the order in which they are asked. */
  readonly sms: readonly GuardedSend<SmsCode>[];
  /** Undefined for a tenant without an SMTP server. */
  readonly mail: GuardedSend<Mail> | undefined;
}

export interface SendersDeps {
  readonly tenants: TenantDirectory;
  readonly metrics: Metrics;
  /** Internal networks in which servers may be, as they are now. */
  readonly allowedNetworks: () => readonly string[];
}

/** The senders of each tenant, made when they are first needed and again when their settings change. */
export interface Senders {
  of(tenant: TenantSettings): TenantSenders;
  close(): void;
}

interface Current {
  readonly senders: TenantSenders;
  readonly providers: readonly SmsProvider[];
  /** What they were made of, as JSON. */
  readonly source: string;
  /** Takes them out of the metrics. */
  forget(): void;
}

export function createSenders({ tenants, metrics, allowedNetworks }: SendersDeps): Senders {
  const sends = metrics.counter(
    'openim_sms_mail_sends_total',
    'SMS and mails handed to providers, by outcome',
    ['provider', 'outcome'],
  );
  const seconds = metrics.histogram('openim_sms_mail_send_seconds', 'Duration of an attempt to send', [
    'provider',
  ]);
  const current = new Map<TenantId, Current>();
  const leftAlone = metrics.gauge(
    'openim_sms_mail_left_alone',
    'Providers of tenants that are left alone, since they failed',
  );
  const onOutcome = (provider: string, outcome: Awaited<ReturnType<SmsProvider['send']>>, took: number) => {
    sends.inc({ provider, outcome: outcome.kind === 'refused' ? outcome.reason : outcome.kind });
    seconds.observe({ provider }, took);
  };

  function smsOf(sms: VerificationSettings['sms'] | undefined, networks: readonly string[]): SmsProvider[] {
    return (sms?.order ?? []).flatMap((name): SmsProvider[] => {
      if (name === 'aliyun') return sms?.aliyun ? [aliyunSms(sms.aliyun, vendorHttp(networks))] : [];
      return sms?.tencent ? [tencentSms(sms.tencent, vendorHttp(networks))] : [];
    });
  }

  function mailOf(
    mail: MailSettings | undefined,
    networks: readonly string[],
    options: GuardedSendOptions,
  ): GuardedSend<Mail> | undefined {
    if (!mail) return undefined;
    const mailer = createMailer(mail, { allowedNetworks: networks });
    return guardedSend({ name: 'smtp', send: mailer.send }, options);
  }

  function forget(tenant: TenantId): void {
    const known = current.get(tenant);
    for (const provider of known?.providers ?? []) provider.close();
    known?.forget();
    current.delete(tenant);
  }
  const unsubscribe = tenants.onChange((id, settings) => {
    if (!settings) forget(id);
  });

  return {
    of({ id, verification, mail }) {
      const networks = allowedNetworks();
      const source = JSON.stringify([verification?.sms, mail, networks]);
      const known = current.get(id);
      if (known?.source === source) return known.senders;
      forget(id);
      const providers = smsOf(verification?.sms, networks);
      let open = 0;
      let forgotten = false;
      const onOpen = (opened: boolean) => {
        open += opened ? 1 : -1;
        if (!forgotten) leftAlone.inc(opened ? 1 : -1);
      };
      const senders: TenantSenders = {
        sms: providers.map((provider) => guardedSend(provider, { onOpen, onOutcome })),
        mail: mailOf(mail, networks, { onOpen, onOutcome }),
      };
      const leave = () => {
        forgotten = true;
        leftAlone.dec(open);
      };
      current.set(id, { senders, providers, source, forget: leave });
      return senders;
    },
    close() {
      unsubscribe();
      for (const tenant of [...current.keys()]) forget(tenant);
    },
  };
}
