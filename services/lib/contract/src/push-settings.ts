import { z } from 'zod';
import { webhookKey } from './webhook-settings.ts';

const name = (what: string) => z.string().min(1).max(256).describe(what);
const secret = (what: string) => z.string().min(1).max(16_384).meta({ secret: true }).describe(what);
/** Vendors have one address; another one is for proxies and tests. */
const address = (vendor: string) =>
  z
    .string()
    .max(2_048)
    .regex(/^https?:\/\/[^\s?#]+$/, 'must be an http or https URL')
    .optional()
    .describe(
      `Base URL instead of ${vendor}, for example of a proxy; at an internal address only if webhooks.allowedNetworks has it.`,
    );

/**
 * What a push token is for. A token is registered as `<kind>:<token>`; without a kind it is one of FCM. Kinds without their
 * own provider are delivered by the webhook provider.
 */
export const PUSH_KINDS = [
  'fcm',
  'apns',
  'apns-sandbox',
  'hms',
  'hos',
  'mi',
  'web',
  'oppo',
  'vivo',
  'honor',
  'meizu',
] as const;
export type PushKind = (typeof PUSH_KINDS)[number];

/** Users whom a provider addresses by their ids. */
const audience = z
  .enum(['all', 'withoutToken'])
  .default('all')
  .describe(
    'Users notified through their alias, which is the user id: all, or only those without a registered token of another provider.',
  );

/** Firebase Cloud Messaging, HTTP v1. */
const Fcm = z
  .strictObject({
    serviceAccount: secret(
      'Key of a service account as JSON, with project_id, client_email, private_key and token_uri.',
    ),
    url: address('https://fcm.googleapis.com'),
  })
  .describe('Firebase Cloud Messaging; tokens without a prefix.');

/** Apple Push Notification service with a key (.p8). */
const Apns = z
  .strictObject({
    key: secret('Signing key, the text of the .p8 file.'),
    keyID: name('Key ID, 10 characters.'),
    teamID: name('Team ID, 10 characters.'),
    topic: name('Bundle ID of the app.'),
    sandbox: z
      .boolean()
      .default(false)
      .describe('Tokens apns: belong to the sandbox (development builds); apns-sandbox: always do.'),
    url: address('https://api.push.apple.com'),
  })
  .describe('Apple Push Notification service; tokens apns: and apns-sandbox:.');

/** Huawei Push Kit for Android. */
const Hms = z
  .strictObject({
    appID: name('App ID, which is the OAuth client ID as well.'),
    appSecret: secret('App secret, the OAuth client secret.'),
    category: z.string().max(64).default('IM').describe('Category of messages; empty sends none.'),
    url: address('https://push-api.cloud.huawei.com'),
    authURL: address('https://oauth-login.cloud.huawei.com'),
  })
  .describe('Huawei Push Kit; tokens hms:.');

/** Huawei Push Kit for HarmonyOS NEXT. */
const Hos = z
  .strictObject({
    serviceAccount: secret('Service account as JSON, with project_id, key_id, private_key and sub_account.'),
    category: z.string().max(64).default('IM').describe('Category of messages.'),
    testMessage: z.boolean().default(false).describe('Messages are tests, which have a small daily quota.'),
    url: address('https://push-api.cloud.huawei.com'),
  })
  .describe('Huawei Push Kit for HarmonyOS NEXT; tokens hos:.');

/** Xiaomi Push. */
const Mi = z
  .strictObject({
    appSecret: secret('App secret.'),
    packageName: name('Package name of the app.'),
    channelID: z.string().max(64).default('').describe('Notification channel registered with Xiaomi.'),
    url: address('https://api.xmpush.xiaomi.com'),
  })
  .describe('Xiaomi Push; tokens mi:.');

/** Getui, by alias. */
const Getui = z
  .strictObject({
    appID: name('App ID.'),
    appKey: name('App key.'),
    masterSecret: secret('Master secret.'),
    users: audience,
    intent: z.string().max(1_000).default('').describe('Intent that a tap opens; empty starts the app.'),
    channelID: z.string().max(64).default('').describe('Notification channel on Android.'),
    channelName: z.string().max(64).default('').describe('Name of the notification channel.'),
    url: address('https://restapi.getui.com/v2/<appID>'),
  })
  .describe('Getui; apps bind the user id as alias.');

/** JPush, by alias. */
const Jpush = z
  .strictObject({
    appKey: name('App key, 24 characters.'),
    masterSecret: secret('Master secret, 24 characters.'),
    users: audience,
    intent: z.string().max(1_000).default('').describe('Intent that a tap opens; empty starts the app.'),
    apnsProduction: z.boolean().default(true).describe('iOS apps are signed for production.'),
    url: address('https://api.jpush.cn'),
  })
  .describe('JPush; apps bind the user id as alias.');

/** Web Push (RFC 8030) with VAPID (RFC 8292). */
const WebPush = z
  .strictObject({
    publicKey: name('VAPID public key: 65 bytes, base64url. Browsers subscribe with it.'),
    privateKey: secret('VAPID private key: 32 bytes, base64url.'),
    subject: z
      .string()
      .max(256)
      .regex(/^(mailto:[^\s@]+@[^\s@]+|https:\/\/[^\s]+)$/, 'must be mailto:<address> or an https URL')
      .describe('Contact of the sender, mailto: or https:.'),
    hosts: z
      .array(z.string().min(1).max(253))
      .max(64)
      .default([
        'fcm.googleapis.com',
        '*.push.services.mozilla.com',
        '*.push.apple.com',
        '*.notify.windows.com',
      ])
      .describe('Hosts of endpoints that subscriptions may have; *. in front stands for all below.'),
  })
  .describe('Web Push; tokens web: with the subscription as JSON.');

/** A receiver of the tenant, which delivers by itself. */
const Webhook = z
  .strictObject({
    url: z
      .string()
      .max(2_048)
      .regex(/^https?:\/\/\S+$/, 'must be an http or https URL')
      .describe(
        'Receives one POST per notification; at an internal address only if webhooks.allowedNetworks has it.',
      ),
    secret: z
      .string()
      .refine(
        (text) => webhookKey(text) !== undefined,
        'must be whsec_ and the base64 of 24 to 64 random bytes',
      )
      .meta({ secret: true })
      .describe('Signs requests after the Standard Webhooks specification.'),
    kinds: z
      .array(z.enum(PUSH_KINDS))
      .max(PUSH_KINDS.length)
      .default(['oppo', 'vivo', 'honor', 'meizu'])
      .describe('Kinds of tokens that it delivers, instead of the provider of that kind.'),
    users: z
      .enum(['none', 'all', 'withoutToken'])
      .default('none')
      .describe(
        'Users that it gets by their ids in addition: none, all, or those without a registered token.',
      ),
  })
  .describe('A generic webhook, signed as Standard Webhooks.');

/** The providers of one tenant; several work side by side. */
export const PushProviders = z
  .strictObject({
    fcm: Fcm.optional(),
    apns: Apns.optional(),
    hms: Hms.optional(),
    hos: Hos.optional(),
    mi: Mi.optional(),
    getui: Getui.optional(),
    jpush: Jpush.optional(),
    webPush: WebPush.optional(),
    webhook: Webhook.optional(),
  })
  .describe('Providers and their credentials.');
export type PushProviders = z.infer<typeof PushProviders>;

/** Offline notifications of one tenant. */
export const PushSettings = z
  .strictObject({
    providers: PushProviders.prefault({}),
    content: z
      .enum(['full', 'title', 'none'])
      .default('full')
      .describe(
        'What a notification shows of a message: title and text; the title; nothing but fallbackText. none leaves out the extra data of the sender as well.',
      ),
    fallbackText: z
      .string()
      .min(1)
      .max(256)
      .default('[NEWMSG]')
      .describe('Title and text where a message has none, or they are not shown.'),
    sound: z
      .string()
      .max(128)
      .default('default')
      .describe('Sound on iOS where the sender names none; empty is silent.'),
    badge: z
      .boolean()
      .default(true)
      .describe('Notifications set the badge on iOS and, where supported, Android.'),
    ttlSeconds: z
      .int()
      .min(0)
      .max(1_209_600)
      .default(86_400)
      .describe('Providers keep a notification for this long while a device is unreachable.'),
    collapse: z
      .boolean()
      .default(true)
      .describe('A notification replaces the previous one of the same conversation; false shows each.'),
    mentionsThroughMute: z
      .boolean()
      .default(false)
      .describe(
        'A message that mentions a member notifies them even if they receive the conversation without notice.',
      ),
    devicesPerSecond: z
      .number()
      .min(0)
      .default(0)
      .describe('Devices per second, provider and process; 0 means no limit.'),
    concurrency: z.int().min(1).max(256).default(16).describe('Requests at once, per provider and process.'),
  })
  .describe('Offline notifications of the tenant.');
export type PushSettings = z.infer<typeof PushSettings>;
