import { z } from 'zod';

/** Events that wait for the receiver's answer, which may refuse or change what is about to happen. */
export const BEFORE_EVENTS = [
  'beforeSendSingleMsg',
  'beforeSendGroupMsg',
  'beforeMsgModify',
  'beforeOfflinePush',
  'beforeOnlinePush',
  'beforeGroupOnlinePush',
  'beforeAddFriend',
  'beforeAddFriendAgree',
  'beforeSetFriendRemark',
  'beforeAddBlack',
  'beforeImportFriends',
  'beforeUserRegister',
  'beforeUpdateUserInfo',
  'beforeUpdateUserInfoEx',
  'beforeCreateGroup',
  'beforeMemberJoinGroup',
  'beforeSetGroupMemberInfo',
  'beforeApplyJoinGroup',
  'beforeInviteUserToGroup',
  'beforeSetGroupInfo',
  'beforeSetGroupInfoEx',
  'beforeCreateSingleChatConversations',
  'beforeCreateGroupChatConversations',
] as const;

/** Events that report what has happened; deliveries are stored and repeated until the receiver takes them. */
export const AFTER_EVENTS = [
  'afterSendSingleMsg',
  'afterSendGroupMsg',
  'afterMsgSaveDB',
  'afterRevokeMsg',
  'afterSingleMsgRead',
  'afterGroupMsgRead',
  'afterUserOnline',
  'afterUserOffline',
  'afterUserKickOff',
  'afterAddFriend',
  'afterAddFriendAgree',
  'afterDeleteFriend',
  'afterSetFriendRemark',
  'afterRemoveBlack',
  'afterImportFriends',
  'afterUserRegister',
  'afterUpdateUserInfo',
  'afterUpdateUserInfoEx',
  'afterCreateGroup',
  'afterSetGroupMemberInfo',
  'afterJoinGroup',
  'afterQuitGroup',
  'afterKickGroupMember',
  'afterDismissGroup',
  'afterTransferGroupOwner',
  'afterSetGroupInfo',
  'afterSetGroupInfoEx',
  'afterCreateSingleChatConversations',
  'afterCreateGroupChatConversations',
  'afterGroupMsgRevoke',
] as const;

export type BeforeEvent = (typeof BEFORE_EVENTS)[number];
export type AfterEvent = (typeof AFTER_EVENTS)[number];
/** Name of an event, as OpenIM's `webhooks.yml` has it. */
export type WebhookEvent = BeforeEvent | AfterEvent;

const EVENTS: ReadonlySet<string> = new Set([...BEFORE_EVENTS, ...AFTER_EVENTS]);

/** Whether this is the name of an event. */
export function isWebhookEvent(name: string): name is WebhookEvent {
  return EVENTS.has(name);
}

/** Longest time that a receiver gets to answer, in ms. */
export const MAX_WEBHOOK_TIMEOUT_MS = 15_000;
/** Length of a secret without its prefix and base64, in bytes, by the Standard Webhooks specification. */
const SECRET_BYTES = { least: 24, most: 64 };

/** The key in a `whsec_…` secret, or undefined when it is none. */
export function webhookKey(secret: string): Uint8Array | undefined {
  const text = secret.startsWith('whsec_') ? secret.slice('whsec_'.length) : undefined;
  if (text === undefined || !/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return undefined;
  const key = Buffer.from(text, 'base64');
  return key.length >= SECRET_BYTES.least && key.length <= SECRET_BYTES.most ? key : undefined;
}

const secret = (what: string) =>
  z
    .string()
    .refine(
      (text) => text === '' || webhookKey(text) !== undefined,
      'must be whsec_ and the base64 of 24 to 64 random bytes',
    )
    .default('')
    .meta({ secret: true })
    .describe(what);

/** One webhook. */
export const Webhook = z.strictObject({
  enable: z.boolean().default(false).describe('Whether it is called.'),
  timeoutMs: z
    .int()
    .min(1)
    .max(MAX_WEBHOOK_TIMEOUT_MS)
    .default(5_000)
    .describe('Time that the receiver gets to answer, in ms.'),
  failedContinue: z
    .boolean()
    .default(false)
    .describe(
      'Of before-events: what was asked about goes on when the receiver cannot be asked; otherwise it fails with 90004 or 90007.',
    ),
  deniedTypes: z
    .array(z.int())
    .max(1_000)
    .default([])
    .describe('Content types of messages for which it is not called.'),
  attentionIds: z
    .array(z.string().min(1).max(64))
    .max(1_000)
    .default([])
    .describe('Receivers or groups for whose messages it is called; empty means all.'),
});
export type Webhook = z.infer<typeof Webhook>;

function isWebURL(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && (url.protocol === 'http:' || url.protocol === 'https:') && url.hash === '';
}

/** Section `webhooks` of a tenant. */
export const TenantWebhooks = z
  .strictObject({
    url: z
      .string()
      .max(2_048)
      .refine((text) => text === '' || isWebURL(text), 'must be a URL with http:// or https://')
      .default('')
      .describe('Base URL, to which /<command> is added; empty means that no webhook is called.'),
    secret: secret(
      'Signs requests after the Standard Webhooks specification: whsec_ and base64. Empty: requests are not signed.',
    ),
    previousSecret: secret(
      'Signs requests as well, while receivers change from this secret to the other one.',
    ),
    events: z
      .record(
        z
          .string()
          .refine(
            (name): boolean => isWebhookEvent(name),
            'must be the name of an event, such as beforeSendSingleMsg',
          ),
        Webhook,
      )
      .default({})
      .describe('Webhooks by event, such as beforeSendSingleMsg.'),
  })
  .prefault({})
  .describe('HTTP calls before and after events.');
export type TenantWebhooks = z.infer<typeof TenantWebhooks>;
