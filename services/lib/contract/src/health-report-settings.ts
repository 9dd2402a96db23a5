import { z } from 'zod';
import { mailAddress } from './mail-settings.ts';
import { LANGUAGES } from './verification-settings.ts';

/** Who gets the daily report on the health of a tenant. */
export const HealthReportSettings = z
  .strictObject({
    to: z
      .array(mailAddress())
      .max(16)
      .default([])
      .describe(
        'Mail addresses; empty: the report is in the log and in cron list alone. Needs the section mail.',
      ),
    when: z
      .enum(['daily', 'problems'])
      .default('daily')
      .describe('daily: a mail each day; problems: only on days with something to look at.'),
    language: z.enum(LANGUAGES).default('en').describe('Language of the mails.'),
  })
  .describe('Daily report on the health of the tenant.');
export type HealthReportSettings = z.infer<typeof HealthReportSettings>;
