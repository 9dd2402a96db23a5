import { z } from 'zod';

/** Whether this names a time zone of the IANA database; offsets such as +08:00 do not. */
function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** How the statistics of a tenant are counted. */
export const StatisticsSettings = z
  .strictObject({
    timeZone: z
      .string()
      .max(64)
      .refine(isTimeZone, 'must be the name of a time zone, such as Asia/Shanghai or UTC')
      .default('UTC')
      .describe(
        'Time zone of the days of statistics, by its name in the IANA database. A change counts from the next count on; earlier days stay as they were.',
      ),
  })
  .describe('Daily statistics of the tenant.');
export type StatisticsSettings = z.infer<typeof StatisticsSettings>;
