import { z } from 'zod';
import { count, ms } from './fields.ts';
import { scheduleSetting } from './schedule.ts';

const schedule = (standard: string, what: string) =>
  scheduleSetting(standard, `When ${what} are removed (cron, UTC).`);

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
      .describe(
        'What happens to offline notifications of tenants without providers: nothing, or a line in the log.',
      ),
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
    pushTokenExpiry: schedule('37 4 * * *', 'push tokens that have expired or were not registered again'),
    pushTokenDays: z
      .int()
      .min(0)
      .max(3_650)
      .default(270)
      .describe(
        'Days after which a push token that was not registered again is removed; 0 keeps it until its provider reports it as gone.',
      ),
    auditDays: z
      .int()
      .min(0)
      .max(36_500)
      .default(400)
      .describe(
        "Days that records of administrators' acts are kept; 0 keeps them for ever. They are removed with expired tokens.",
      ),
    indexReport: scheduleSetting(
      '7 5 * * *',
      'When the indexes of the database are compared with those declared (cron, UTC).',
    ),
    searchIndexes: z
      .boolean()
      .default(false)
      .describe(
        'Keep the indexes of messages by time and by sender, so that administrators search without reading every message; storing a message costs the database more for each. They are built while messages are stored; false removes them.',
      ),
    healthReport: scheduleSetting('27 6 * * *', 'When the health of each tenant is reported (cron, UTC).'),
    statistics: scheduleSetting(
      '2,22,42 * * * *',
      'When messages, accounts, groups and storage are counted for statistics (cron, UTC).',
    ),
    statisticsDays: z
      .int()
      .min(1)
      .max(3_650)
      .default(400)
      .describe(
        'Days for which statistics keep counts of messages by user and group; the figures of each day stay for ten years.',
      ),
    runMinutes: z
      .int()
      .min(1)
      .max(1_440)
      .default(60)
      .describe('Longest run of a job for one tenant, in minutes; the next run goes on with what is left.'),
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
