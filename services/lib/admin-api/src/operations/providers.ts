import { z } from 'zod';
import { id, reason } from '../fields.ts';
import { operation } from '../operation.ts';

/** What a provider answered for one device. */
export const PushTestResult = z
  .object({
    userID: z.string(),
    platformID: z.int(),
    kind: z.string().meta({ description: 'Kind of the token, such as `fcm`.' }),
    token: z.string().meta({ description: 'The last characters of the token.' }),
    provider: z.string().meta({ description: 'Empty when no provider delivers this kind.' }),
    outcome: z.string().meta({ description: '`taken`, `gone`, `later` or `refused`.' }),
    reason: z.string(),
    notificationID: z.string().meta({ description: 'Id of the notification at the provider.' }),
    afterMs: z.int().meta({ description: 'With `later`: when to try again, ms; 0 when not known.' }),
  })
  .meta({ id: 'PushTestResult' });
/** What a provider answered for one device. */
export type PushTestResult = z.output<typeof PushTestResult>;

/** Sends a notification for a test. */
export const testPush = operation({
  id: 'testPush',
  method: 'POST',
  path: '/push/test',
  access: 'write',
  tag: 'providers',
  summary: 'Send a test notification to all devices of a user, or to one by its token.',
  body: z
    .strictObject({
      userID: id.optional(),
      token: z
        .string()
        .min(1)
        .max(4_096)
        .optional()
        .meta({ description: 'With the prefix of its kind, such as `apns:`.' }),
      text: z.string().min(1).max(1_000).default('Test'),
      reason,
    })
    .refine(({ userID, token }) => (userID === undefined) !== (token === undefined), {
      path: ['userID'],
      message: 'give either userID or token',
    }),
  answer: z.object({
    results: z.array(PushTestResult),
    faults: z
      .array(z.string())
      .meta({ description: 'Providers whose credentials cannot be used, with the fault.' }),
  }),
  audit: { act: 'push.test', kind: 'user', param: 'userID', masked: ['token'] },
  perSecond: 5,
});

/** What a provider of SMS or mail answered. */
export const CodeTestResult = z
  .object({
    provider: z.string(),
    outcome: z.string().meta({ description: '`sent`, `refused` or `unknown`.' }),
    reason: z.string().meta({ description: 'Why it was refused.' }),
    detail: z.string().meta({ description: 'What the provider said.' }),
    messageID: z.string().meta({ description: 'Id of the message at the provider.' }),
  })
  .meta({ id: 'CodeTestResult' });
/** What a provider of SMS or mail answered. */
export type CodeTestResult = z.output<typeof CodeTestResult>;

/** Sends an invalid verification code for a test. */
export const testVerification = operation({
  id: 'testVerification',
  method: 'POST',
  path: '/verification/test',
  access: 'write',
  tag: 'providers',
  summary: 'Send a message with the code 000000, which is not valid, through each provider of SMS or mail.',
  body: z
    .strictObject({
      phone: z
        .string()
        .min(1)
        .max(64)
        .optional()
        .meta({ description: 'Number with its country, such as +8613800000000.' }),
      mail: z.string().min(1).max(320).optional(),
      language: z.enum(['zh', 'en']).optional().meta({ description: "The tenant's when absent." }),
      reason,
    })
    .refine(({ phone, mail }) => (phone === undefined) !== (mail === undefined), {
      path: ['phone'],
      message: 'give either phone or mail',
    }),
  answer: z.object({ results: z.array(CodeTestResult) }),
  audit: { act: 'verification.test', kind: 'tenant', masked: ['phone', 'mail'] },
  perSecond: 5,
});
