import type { TenantSettings } from '@im/contract';
import { Backoff } from '@im/kit';
import type { Logger } from '@im/process';
import { ERR, ImError } from '@im/protocol';
import type { Mail, Outcome, Senders } from '@im/sms-mail';
import { type FiguresDeps, healthFigures, healthProblems } from '../health/figures.ts';
import { reportMail } from '../health/report-mail.ts';
import type { Job } from './job.ts';

export interface HealthReportDeps extends FiguresDeps {
  readonly senders: Pick<Senders, 'of'>;
  readonly log: Logger;
  readonly now?: () => number;
  /** Longest first wait before a mail is sent again, ms; for tests. @default 60 s */
  readonly pauseMs?: number;
}

const ATTEMPTS = 4;
const PAUSE_MS = 60_000;
const SEND_MS = 30_000;
const DAY_CHARACTERS = 10;

/** Reports the health of a tenant: as its result, as a line of the log, and by mail to those that the tenant names. */
export function reportHealth(schedule: string, deps: HealthReportDeps): Job {
  const { senders, log, now = Date.now, pauseMs = PAUSE_MS } = deps;

  /** A mail may come twice after an unknown outcome: it has the same id, and a report does no harm. */
  async function mailed(tenant: TenantSettings, mail: Mail, signal: AbortSignal): Promise<Outcome> {
    const { mail: server } = senders.of(tenant);
    if (!server) return { kind: 'refused', reason: 'rejected', detail: 'the tenant has no settings `mail`' };
    const backoff = new Backoff({ baseMs: pauseMs, maxMs: 8 * pauseMs });
    for (let attempt = 1; ; attempt++) {
      const outcome = await server.send(mail, AbortSignal.any([signal, AbortSignal.timeout(SEND_MS)]));
      const isWorthwhile =
        outcome.kind === 'unknown' || (outcome.kind === 'refused' && outcome.reason === 'unavailable');
      if (!isWorthwhile || attempt === ATTEMPTS) return outcome;
      await backoff.wait(signal);
    }
  }

  return {
    name: 'report-health',
    description: 'reports the health of the tenant, by mail where it names receivers',
    schedule,
    async run(tenant, signal, notes) {
      const at = now();
      const figures = await healthFigures(deps, tenant, at);
      const problems = healthProblems(figures);
      notes?.report({ problems, ...figures });
      log[problems.length > 0 ? 'warn' : 'info'](
        { tenant: tenant.id, problems, ...figures },
        'health of the tenant',
      );
      const { to, when, language } = tenant.healthReport;
      if (to.length === 0 || (when === 'problems' && problems.length === 0)) return 0;
      const day = new Date(at).toISOString().slice(0, DAY_CHARACTERS);
      const texts = reportMail(tenant.id, day, figures, problems, language);
      const outcome = await mailed(
        tenant,
        { id: `health-${tenant.id}-${day}`, to, html: '', ...texts },
        signal,
      );
      if (outcome.kind === 'sent') return 1;
      const why = outcome.kind === 'refused' ? outcome.reason : outcome.kind;
      throw new ImError(ERR.MailSendCodeErr, `the report was not mailed: ${why}: ${outcome.detail}`);
    },
  };
}
