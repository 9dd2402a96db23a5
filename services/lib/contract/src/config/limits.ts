import { z } from 'zod';
import { count } from './fields.ts';

const failures = (perSecond: number, burst: number) =>
  z.strictObject({
    ratePerSecond: z.number().min(0).default(perSecond).describe('Failures per second; 0 means no limit.'),
    burst: count(burst, 'Failures at once.'),
  });

/** Section `limits` of the config. */
export const LimitsConfig = z
  .strictObject({
    userMessages: z
      .strictObject({
        perSecond: z.number().min(0).default(100).describe('Messages per second; 0 means no limit.'),
        burst: count(2_000, 'Messages at once.'),
      })
      .prefault({})
      .describe('Messages of one user, per process of msg; more get 429.'),
    userBytes: z
      .strictObject({
        perSecond: z
          .number()
          .min(0)
          .default(1_048_576)
          .describe('Bytes of messages per second; 0 means no limit.'),
        burst: count(16_777_216, 'Bytes of messages at once.'),
      })
      .prefault({})
      .describe('Bytes of messages of one user, per process of msg; more get 429.'),
    userChanges: z
      .strictObject({
        perSecond: z
          .number()
          .min(0)
          .default(20)
          .describe('HTTP requests per second that change something; 0 means no limit.'),
        burst: count(500, 'Such requests at once.'),
      })
      .prefault({})
      .describe(
        'Read receipts, revocations, applications, changes of groups, friends, profiles and settings by one user, per api process; more get 429.',
      ),
    profileChanges: z
      .strictObject({
        perMinute: z.number().min(0).default(5).describe('Changes per minute; 0 means no limit.'),
        burst: count(10, 'Changes at once.'),
      })
      .prefault({})
      .describe(
        'New nicknames and pictures of one user, of which all friends and groups hear, and `ex` in all conversations with them, per process of user and of conversation; more get 429.',
      ),
    mentionAll: z
      .strictObject({
        perMinute: z.number().min(0).default(10).describe('Messages per minute; 0 means no limit.'),
        burst: count(5, 'Messages at once.'),
      })
      .prefault({})
      .describe(
        'Messages of one user that mention all members of one group, per process of msg; more get 429 and are not sent.',
      ),
    userCommands: z
      .int()
      .min(1)
      .max(10_000)
      .default(10_000)
      .describe(
        'Commands (/user/process_user_command_*) that one user may keep; further ones get 1001 until some are deleted.',
      ),
  })
  .prefault({})
  .describe('What one user may do, unless the tenant says otherwise. Administrators are not limited.');

/** Section `attempts` of the config. */
export const AttemptsConfig = z
  .strictObject({
    trustedProxies: z
      .int()
      .min(0)
      .default(1)
      .describe(
        'Proxies in front of api and gateway that append to X-Forwarded-For, such as an Ingress. It is believed only on connections from private addresses; 0 always takes the address of the connection.',
      ),
    logins: failures(1, 60)
      .prefault({})
      .describe('Failed requests of /auth/get_admin_token, per tenant, address and process; more get 429.'),
    tokens: failures(20, 500)
      .prefault({})
      .describe(
        'Tokens that do not pass, at api and gateway, per tenant, address and process; more get 429 or 1601.',
      ),
  })
  .prefault({})
  .describe('How often an address may fail to prove who it is. What succeeds does not count.');
