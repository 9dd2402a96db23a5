import { Cron } from 'croner';
import { z } from 'zod';

/** Whether the role cron can read it: five fields, or six with seconds in front. */
export function isSchedule(text: string): boolean {
  try {
    new Cron(text, { paused: true }).stop();
    // A date is one that croner takes too; work by the clock returns.
    return text.trim().split(/\s+/).length >= 5;
  } catch {
    return false;
  }
}

/** When a schedule is due next after a time, ms; undefined when it never is, or cannot be read. */
export function nextDue(text: string, afterMs: number): number | undefined {
  if (!isSchedule(text)) return undefined;
  return new Cron(text, { paused: true, timezone: 'UTC' }).nextRun(new Date(afterMs))?.getTime();
}

/** A setting that says when something is done. */
export const scheduleSetting = (standard: string, description: string) =>
  z
    .string()
    .refine(isSchedule, 'must be a cron expression, such as 17 3 * * *')
    .default(standard)
    .describe(description);
