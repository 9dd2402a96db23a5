import { z } from 'zod';

/** Languages of texts that the server writes itself. */
export const LANGUAGES = ['zh', 'en'] as const;
export type Language = (typeof LANGUAGES)[number];

/** What a code is for; a code of one purpose is not valid for another. */
export const CODE_PURPOSES = ['register', 'login', 'reset', 'bind', 'delete'] as const;
export type CodePurpose = (typeof CODE_PURPOSES)[number];

/** Number of digits of a verification code. */
export const CODE_DIGITS = 6;

const name = (what: string) => z.string().min(1).max(256).describe(what);
const secret = (what: string) => z.string().min(1).max(256).meta({ secret: true }).describe(what);
const address = (vendor: string) =>
  z
    .string()
    .max(2_048)
    .regex(/^https?:\/\/[^\s/?#]+$/, 'must be an http or https URL without a path')
    .optional()
    .describe(
      `URL instead of ${vendor}, for example of another region; at an internal address only if webhooks.allowedNetworks has it.`,
    );
/** `{code}` and `{minutes}` are replaced. */
const parameter = z.string().max(64);

/** A value for each language; a code is sent in the first one when its own is absent. */
const byLanguage = <T extends z.ZodType>(template: T, what: string) =>
  z
    .strictObject({ zh: template.optional(), en: template.optional() })
    .refine((given) => given.zh !== undefined || given.en !== undefined, 'must have zh or en')
    .describe(what);

/** Aliyun SMS, action SendSms of 2017-05-25. */
const Aliyun = z
  .strictObject({
    accessKeyID: name('Access key ID.'),
    accessKeySecret: secret('Access key secret.'),
    templates: byLanguage(
      z.strictObject({
        signName: name('Signature, as approved.'),
        templateCode: name('Code of the approved template, such as SMS_123456789.'),
        params: z
          .record(z.string().min(1).max(64), parameter)
          .default({ code: '{code}' })
          .describe('Parameters of the template; {code} and {minutes} are replaced.'),
      }),
      'Template of each language.',
    ),
    url: address('https://dysmsapi.aliyuncs.com'),
  })
  .describe('Aliyun SMS.');

/** Tencent Cloud SMS, action SendSms of 2021-01-11. */
const Tencent = z
  .strictObject({
    secretID: name('Secret ID.'),
    secretKey: secret('Secret key.'),
    appID: name('SDK app ID, such as 1400000000.'),
    region: z.string().min(1).max(64).default('ap-guangzhou').describe('Region.'),
    templates: byLanguage(
      z.strictObject({
        signName: z.string().max(256).default('').describe('Signature, as approved; empty outside of China.'),
        templateID: name('ID of the approved template.'),
        params: z
          .array(parameter)
          .max(16)
          .default(['{code}'])
          .describe('Parameters of the template in order; {code} and {minutes} are replaced.'),
      }),
      'Template of each language.',
    ),
    url: address('https://sms.tencentcloudapi.com'),
  })
  .describe('Tencent Cloud SMS.');

/** Providers of SMS. */
export const SMS_PROVIDERS = ['aliyun', 'tencent'] as const;
export type SmsProviderName = (typeof SMS_PROVIDERS)[number];

const Sms = z
  .strictObject({
    aliyun: Aliyun.optional(),
    tencent: Tencent.optional(),
    order: z
      .array(z.enum(SMS_PROVIDERS))
      .min(1)
      .max(SMS_PROVIDERS.length)
      .default([...SMS_PROVIDERS])
      .describe(
        'Order in which providers are asked: the next one when one refuses for certain, never after a time-out.',
      ),
    countries: z
      .array(z.string().regex(/^\+[1-9][0-9]{0,5}$/, 'must be the beginning of numbers, such as +86'))
      .max(256)
      .default([])
      .describe(
        'Beginnings of numbers that may get codes, such as +86; empty: all. Limits what fraud can cost.',
      ),
  })
  .describe('Codes by SMS; absent providers are not asked.');

const MailTemplate = z.strictObject({
  subject: z
    .string()
    .min(1)
    .max(200)
    .regex(/^[^\r\n]*$/, 'must be one line')
    .describe('Subject.'),
  text: z.string().min(1).max(8_192).describe('Text.'),
  html: z.string().max(32_768).default('').describe('HTML next to the text; empty: none.'),
});

/** Verification codes of one tenant. */
export const VerificationSettings = z
  .strictObject({
    callers: z
      .enum(['administrators', 'users'])
      .default('administrators')
      .describe(
        "Who may send and verify codes: administrators, which is the application's backend, or each user as well.",
      ),
    lifeSeconds: z.int().min(60).max(3_600).default(300).describe('Life of a code, in seconds.'),
    attempts: z.int().min(1).max(10).default(5).describe('Attempts to verify a code; then it is void.'),
    intervalSeconds: z
      .int()
      .min(10)
      .max(3_600)
      .default(60)
      .describe('Shortest time between two codes to an address, in seconds.'),
    perAddressPerDay: z.int().min(1).max(1_000).default(10).describe('Codes to one address per day (UTC).'),
    perIPPerDay: z
      .int()
      .min(1)
      .max(100_000)
      .default(50)
      .describe('Codes asked for from one IP address, or IPv6 network of 64 bits, per day (UTC).'),
    perDay: z.int().min(1).max(10_000_000).default(10_000).describe('Codes of the tenant per day (UTC).'),
    language: z.enum(LANGUAGES).default('zh').describe('Language of codes that name none.'),
    dryRun: z
      .boolean()
      .default(false)
      .describe('Sends nothing; codes are in the log at level debug. For development.'),
    sms: Sms.prefault({}),
    mail: byLanguage(MailTemplate, 'Mails with codes; {code} and {minutes} are replaced.')
      .optional()
      .describe('Mails with codes, in place of the usual texts; {code} and {minutes} are replaced.'),
  })
  .describe('Verification codes by SMS, and by mail through the SMTP server of the section mail.');
export type VerificationSettings = z.infer<typeof VerificationSettings>;
