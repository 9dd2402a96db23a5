import { Cron } from 'croner';
import { z } from 'zod';
import { count, ms } from './fields.ts';

const schedule = (standard: string, what: string) =>
  z
    .string()
    .refine(isSchedule, 'must be a cron expression, such as 17 3 * * *')
    .default(standard)
    .describe(`When ${what} are removed (cron, UTC).`);

/** Whether the role cron can read it: five fields, or six with seconds in front. */
function isSchedule(text: string): boolean {
  try {
    new Cron(text, { paused: true }).stop();
    // A date is one that croner takes too; work by the clock returns.
    return text.trim().split(/\s+/).length >= 5;
  } catch {
    return false;
  }
}

/** Section `transfer` of the config. */
export const TransferConfig = z
  .strictObject({
    leaseMs: ms(3_000, 'A partition whose owner was silent for this long is taken over'),
    cursorIntervalMs: ms(200, 'Shortest time between writes of the cursor'),
    maxBatch: count(1_000, 'Most records folded in one bulk.'),
    gatherMs: z
      .int()
      .min(0)
      .max(1_000)
      .default(10)
      .describe(
        'Shortest time between two bulks, in ms: records that follow each other faster share the cost of one. 0 folds each at once.',
      ),
  })
  .prefault({})
  .describe('The fold of the message log.');

/** Section `push` of the config. */
export const PushConfig = z
  .strictObject({
    provider: z
      .enum(['none', 'log'])
      .default('none')
      .describe('Who delivers offline notifications; log only writes a line.'),
    wakesPerUser: z
      .strictObject({
        perMinute: z.number().positive().default(30).describe('Offline notifications per user and minute.'),
        burst: count(10, 'Offline notifications at once.'),
      })
      .prefault({})
      .describe('How often one user is woken; more are dropped, the messages are not.'),
  })
  .prefault({})
  .describe('Offline notifications.');

/** Section `cron` of the config. */
export const CronConfig = z
  .strictObject({
    messageExpiry: schedule('17 3 * * *', 'expired messages'),
    objectExpiry: schedule('47 3 * * *', 'expired objects'),
    uploadExpiry: schedule('27 * * * *', 'uploads that were never completed, and bytes without a name,'),
    tokenExpiry: schedule('7 4 * * *', 'expired tokens'),
    messageDestruct: schedule('27 * * * *', "messages past the lifetime that a conversation's owner set"),
    objectDays: z
      .int()
      .min(0)
      .default(180)
      .describe(
        'Days that objects of objectGroups, and with sdklog the entries of client logs, are kept; 0 keeps them for ever.',
      ),
    objectGroups: z
      .array(z.string())
      .default(['msg-picture', 'msg-file', 'msg-voice', 'msg-video', 'msg-video-snapshot', 'sdklog'])
      .describe('Groups (upload causes) of objects that expire.'),
  })
  .prefault({})
  .describe('Work by the clock.');
