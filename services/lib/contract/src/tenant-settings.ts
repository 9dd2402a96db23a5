import { z } from 'zod';
import { HealthReportSettings } from './health-report-settings.ts';
import { MailSettings } from './mail-settings.ts';
import { notificationType } from './notification-types.ts';
import { PushSettings } from './push-settings.ts';
import { StatisticsSettings } from './statistics-settings.ts';
import { TENANT_ID_PATTERN, type TenantId, tenantId } from './tenant.ts';
import { VerificationSettings } from './verification-settings.ts';
import { TenantWebhooks } from './webhook-settings.ts';

const limit = (unit: string) => z.int().min(0).default(0).describe(`Most ${unit}; 0 means no limit.`);

const secretText = () => z.string().min(1).meta({ secret: true });
const time = () => z.iso.datetime({ offset: true, error: 'must be a time such as 2030-01-31T12:00:00Z' });

/** Administrator of a tenant that names none. */
export const DEFAULT_ADMIN_USER = 'imAdmin';

/** What a tenant may use. Overload of one is refused at the edge with a retryable error. */
export const TenantQuotas = z
  .strictObject({
    users: limit('registered users'),
    connections: limit('connections at once'),
    handshakesPerSecond: limit('new connections per second and gateway'),
    messagesPerSecond: limit('messages per second and process, at gateways and at msg'),
    requestsPerSecond: limit('HTTP requests per second and api process'),
    groupSize: z.int().min(2).default(100_000).describe('Most members of a group.'),
    groupsPerUser: limit('groups that a user may be in'),
    storageBytes: limit('bytes of stored objects, uploads under way included'),
    objectBytes: limit('bytes of one object'),
    retentionDays: limit('days that messages are kept'),
  })
  .describe('What the tenant may use.');
export type TenantQuotas = z.infer<typeof TenantQuotas>;

/** Which earlier logins end when a user logs in again. */
export const MultiLogin = z
  .strictObject({
    policy: z
      .union([z.literal(0), z.literal(1), z.literal(4), z.literal(5)], 'must be 0, 1, 4 or 5')
      .default(1)
      .describe(
        '0: none ends; 1: those on the same platform; 4: those of the same terminal class; 5: all but PC, PC being free.',
      ),
    maxNumOneEnd: z.int().min(1).default(30).describe('Most tokens per platform under policy 0.'),
  })
  .describe('Which earlier logins end when a user logs in again.');
export type MultiLogin = z.infer<typeof MultiLogin>;

/** Overrides of one notification, by content type; what is absent keeps its built-in default. */
export const NotificationOverride = z.strictObject({
  isSendMsg: z.boolean().optional().describe('Also appears as a message in the chat.'),
  reliabilityLevel: z
    .union([z.literal(1), z.literal(2)], 'must be 1 or 2')
    .optional()
    .describe('1: only for those online; 2: stored in the notification conversation.'),
  offlinePush: z
    .strictObject({
      enable: z.boolean().default(false).describe('Also goes to users who are offline.'),
      title: z.string().default('').describe('Title of the offline notification.'),
      desc: z.string().default('').describe('Text of the offline notification.'),
      ext: z.string().default('').describe('Extra data of the offline notification.'),
    })
    .optional()
    .describe('Offline notification.'),
});
export type NotificationOverride = z.infer<typeof NotificationOverride>;

type NotificationOverrides = Readonly<Record<string, NotificationOverride>>;

/** Refuses a notification that is listed by its name and by its content type. */
function eachOnce({ value, issues }: z.core.ParsePayload<NotificationOverrides>): void {
  const keys = new Map<number | undefined, string>();
  for (const key of Object.keys(value)) {
    const other = keys.get(notificationType(key));
    keys.set(notificationType(key), key);
    if (other === undefined) continue;
    const message = `is the same notification as ${other}; remove one of the two`;
    issues.push({ code: 'custom', input: value, path: [key], message });
  }
}

function byContentType(overrides: NotificationOverrides): Record<string, NotificationOverride> {
  return Object.fromEntries(
    Object.entries(overrides).map(([key, override]) => [String(notificationType(key)), override]),
  );
}

/** Settings of one tenant. */
export const TenantSettings = z
  .strictObject({
    id: z
      .string()
      .regex(TENANT_ID_PATTERN, 'must be 1 to 63 of a-z, 0-9 and -, with no - at the ends')
      .transform((value): TenantId => tenantId(value))
      .describe('Name of the tenant.'),
    hosts: z
      .array(z.string().toLowerCase())
      .default([])
      .describe('Host names by which clients reach the tenant, in addition to the path /t/<id>.'),
    tokenSecret: secretText().describe(
      'Key that signs its tokens; a token of another key than this and secondTokenSecret is refused.',
    ),
    secondTokenSecret: secretText()
      .optional()
      .describe(
        'Second key whose tokens pass: the next one until all processes have it, then the former one. It signs nothing.',
      ),
    secondTokenSecretUntil: time()
      .optional()
      .describe(
        'Until when tokens of secondTokenSecret pass; later they are expired (1501). Absent: no end.',
      ),
    tokensNotBefore: time()
      .optional()
      .describe('Tokens that were issued before are ended (1506), and so are their connections.'),
    adminSecret: secretText().describe('Secret against which admin tokens are issued.'),
    secondAdminSecret: secretText()
      .optional()
      .describe('Second secret against which admin tokens are issued, while callers change to another one.'),
    secondAdminSecretUntil: time()
      .optional()
      .describe('Until when secondAdminSecret is taken. Absent: no end.'),
    adminUserIDs: z
      .array(z.string().min(1))
      .default([DEFAULT_ADMIN_USER])
      .describe('Users with admin rights.'),
    adminNicknames: z
      .array(z.string().min(1).max(64))
      .default([])
      .describe(
        'Nicknames of adminUserIDs, in their order; an administrator that has another one is renamed when a process starts or this changes. Without one: superAdmin.',
      ),
    multiLogin: MultiLogin.prefault({}),
    tokenExpireDays: z.number().positive().default(90).describe('Life of a token, in days.'),
    friendVerify: z
      .boolean()
      .default(false)
      .describe('Single chats are refused unless the receiver has the sender as a friend.'),
    searchByAdminsOnly: z
      .boolean()
      .default(false)
      .describe('Users and groups are searched by administrators alone; others get 1002.'),
    enableHistoryForNewMembers: z
      .boolean()
      .default(true)
      .describe('New members of a group see the messages from before they joined.'),
    placement: z
      .enum(['Shared', 'Dedicated'])
      .default('Shared')
      .describe('Shared: in the collections of all tenants; Dedicated: in a separate database.'),
    quotas: TenantQuotas.prefault({}),
    userLimits: z
      .strictObject({
        messagesPerSecond: z.number().min(0).optional().describe('Messages per second; 0 means no limit.'),
        messageBurst: z.int().min(1).optional().describe('Messages at once.'),
        bytesPerSecond: z
          .number()
          .min(0)
          .optional()
          .describe('Bytes of messages per second; 0 means no limit.'),
        byteBurst: z.int().min(1).optional().describe('Bytes of messages at once.'),
        changesPerSecond: z
          .number()
          .min(0)
          .optional()
          .describe('HTTP requests per second that change something; 0 means no limit.'),
        changeBurst: z.int().min(1).optional().describe('Such requests at once.'),
        profileChangesPerMinute: z
          .number()
          .min(0)
          .optional()
          .describe('New nicknames and pictures per minute; 0 means no limit.'),
        profileChangeBurst: z.int().min(1).optional().describe('New nicknames and pictures at once.'),
        mentionAllPerMinute: z
          .number()
          .min(0)
          .optional()
          .describe('Messages per minute and group that mention all members; 0 means no limit.'),
        mentionAllBurst: z.int().min(1).optional().describe('Such messages at once.'),
      })
      .prefault({})
      .describe('What one user may do; what is absent is as in limits of the cluster.'),
    webhooks: TenantWebhooks,
    push: PushSettings.optional().describe(
      'Offline notifications of the tenant; absent: as in the section offlinePush of the config.',
    ),
    mail: MailSettings.optional(),
    verification: VerificationSettings.optional(),
    healthReport: HealthReportSettings.prefault({}),
    statistics: StatisticsSettings.prefault({}),
    notifications: z
      .record(
        z
          .string()
          .refine(
            (key) => notificationType(key) !== undefined,
            'must be the name of a notification, such as groupCreated, or a content type, such as 1501',
          ),
        NotificationOverride,
      )
      .check(eachOnce)
      .transform(byContentType)
      .prefault({})
      .describe('Notifications that differ from their defaults, by name or content type.'),
    suspended: z.boolean().default(false).describe('All its requests are refused with a retryable error.'),
  })
  .describe('One tenant.');
export type TenantSettings = z.infer<typeof TenantSettings>;

/** What a tenant's settings look like before defaults are filled in. */
export type TenantSettingsInput = z.input<typeof TenantSettings>;

/** Fills in the defaults of a tenant's settings. @throws a ZodError that names the field. */
export function tenantSettings(input: TenantSettingsInput): TenantSettings {
  return TenantSettings.parse(input);
}
