// Made from crds/openimtenants.openim.io.yaml by operator/scripts/crd-types.ts.

/** The cluster. */
export interface OpenIMTenantClusterRef {
  /** Name of the OpenIMCluster. */
  readonly name: string;
  /** Namespace of the OpenIMCluster, whose spec.allowedTenants must allow that of the tenant. Cannot change. Default: the namespace of the tenant. */
  readonly namespace?: string;
}

/** The OpenIMTenantClass, in the namespace of the cluster. Default: spec.allowedTenants.defaultClass of the cluster. */
export interface OpenIMTenantClassRef {
  /** Name of the class. */
  readonly name: string;
}

/** Logins. */
export interface OpenIMTenantTokenPolicy {
  /** Lifetime of a token in days. Default: 90. */
  readonly expireDays?: number;
  /** Which earlier logins a new one ends: None; those of the same platform; those of the same terminal class; or AllButPC. Default: SamePlatform. */
  readonly multiLogin?: 'None' | 'SamePlatform' | 'SameTerminalClass' | 'AllButPC';
  /** Tokens that were issued before are revoked, and their connections are closed. Takes effect without a restart. Default: none. */
  readonly notBefore?: string;
  /** Maximum tokens of one user per platform where multiLogin is None; another one ends the oldest. Default: 30. */
  readonly maxTokensPerPlatform?: number;
}

/** Key that signs tokens. */
export interface OpenIMTenantKeysSigning {
  /** Any text, such as a date: a new one has a new key made. Default: none. */
  readonly rotation?: string;
  /** Hours that tokens of the former key pass after a rotation. Default: 168. */
  readonly overlapHours?: number;
}

/** Secret against which tokens of administrators are issued. */
export interface OpenIMTenantKeysAdmin {
  /** Any text, such as a date: a new one has a new secret made. Default: none. */
  readonly rotation?: string;
  /** Hours that the former secret is taken after a rotation. Default: 168. */
  readonly overlapHours?: number;
}

/** Change of the generated keys. A new key is loaded by all processes before it is used, and the former one passes until its end. Takes effect without a restart. */
export interface OpenIMTenantKeys {
  /** Key that signs tokens. */
  readonly signing?: OpenIMTenantKeysSigning;
  /** Secret against which tokens of administrators are issued. */
  readonly admin?: OpenIMTenantKeysAdmin;
  /** IDs of keys (status.keys) that end at once. In place of one in use a new one is made, and the former one ends as soon as all processes have it. */
  readonly revoked?: readonly string[];
}

/** Limits of the tenant; 0 or absent is no limit. */
export interface OpenIMTenantQuotas {
  /** Registered users. */
  readonly users?: number;
  /** Concurrent connections. */
  readonly connections?: number;
  /** New connections per second and gateway. */
  readonly handshakesPerSecond?: number;
  /** Messages per second and pod: each gateway counts the messages that it accepts, each rpc pod all messages from gateways and over HTTP. */
  readonly messagesPerSecond?: number;
  /** HTTP requests per second and api process. */
  readonly requestsPerSecond?: number;
  /** Members of a group. Default: 100000. */
  readonly groupSize?: number;
  /** Groups per user. */
  readonly groupsPerUser?: number;
  /** Bytes of stored objects, including uploads in progress. */
  readonly storageBytes?: number;
  /** Maximum bytes of one object. */
  readonly objectBytes?: number;
  /** Retention of messages in days. */
  readonly retentionDays?: number;
}

/** Limits of one user of the tenant; an absent field is as in spec.limits of the OpenIMCluster. Counted per pod, as there. More is refused with a retryable error (429) that names the limit. Administrators are not limited. Needs a version of the service that knows these limits; for an older one they are left out, as condition Ready reports. */
export interface OpenIMTenantUserLimits {
  /** Messages per second; 0 is no limit. */
  readonly messagesPerSecond?: number;
  /** Burst of messages. */
  readonly messageBurst?: number;
  /** Bytes of messages per second; 0 is no limit. */
  readonly bytesPerSecond?: number;
  /** Burst of bytes of messages. */
  readonly byteBurst?: number;
  /** HTTP requests per second that modify data; 0 is no limit. */
  readonly changesPerSecond?: number;
  /** Burst of such requests. */
  readonly changeBurst?: number;
  /** New nicknames and pictures per minute; 0 is no limit. */
  readonly profileChangesPerMinute?: number;
  /** Burst of new nicknames and pictures. */
  readonly profileChangeBurst?: number;
  /** Messages per minute and group that mention all members; 0 is no limit. */
  readonly mentionAllPerMinute?: number;
  /** Burst of such messages. */
  readonly mentionAllBurst?: number;
}

/** Secret of this namespace with the secret that signs requests after the Standard Webhooks specification (whsec_ and base64). Absent: requests are not signed. */
export interface OpenIMTenantWebhooksSecretRef {
  /** Name of the Secret. */
  readonly name: string;
  /** Key in it. Default: secret. */
  readonly key?: string;
}

/** Secret of this namespace with the secret that signs requests as well, while receivers change from it to the other one. */
export interface OpenIMTenantWebhooksPreviousSecretRef {
  /** Name of the Secret. */
  readonly name: string;
  /** Key in it. Default: previousSecret. */
  readonly key?: string;
}

/** One webhook. */
export interface OpenIMTenantWebhooksEvent {
  /** Event. */
  readonly name: 'beforeSendSingleMsg' | 'beforeSendGroupMsg' | 'beforeMsgModify' | 'beforeOfflinePush' | 'beforeOnlinePush' | 'beforeGroupOnlinePush' | 'beforeAddFriend' | 'beforeAddFriendAgree' | 'beforeSetFriendRemark' | 'beforeAddBlack' | 'beforeImportFriends' | 'beforeUserRegister' | 'beforeUpdateUserInfo' | 'beforeUpdateUserInfoEx' | 'beforeCreateGroup' | 'beforeMemberJoinGroup' | 'beforeSetGroupMemberInfo' | 'beforeApplyJoinGroup' | 'beforeInviteUserToGroup' | 'beforeSetGroupInfo' | 'beforeSetGroupInfoEx' | 'beforeCreateSingleChatConversations' | 'beforeCreateGroupChatConversations' | 'afterSendSingleMsg' | 'afterSendGroupMsg' | 'afterMsgSaveDB' | 'afterRevokeMsg' | 'afterSingleMsgRead' | 'afterGroupMsgRead' | 'afterUserOnline' | 'afterUserOffline' | 'afterUserKickOff' | 'afterAddFriend' | 'afterAddFriendAgree' | 'afterDeleteFriend' | 'afterSetFriendRemark' | 'afterRemoveBlack' | 'afterImportFriends' | 'afterUserRegister' | 'afterUpdateUserInfo' | 'afterUpdateUserInfoEx' | 'afterCreateGroup' | 'afterSetGroupMemberInfo' | 'afterJoinGroup' | 'afterQuitGroup' | 'afterKickGroupMember' | 'afterDismissGroup' | 'afterTransferGroupOwner' | 'afterSetGroupInfo' | 'afterSetGroupInfoEx' | 'afterCreateSingleChatConversations' | 'afterCreateGroupChatConversations' | 'afterGroupMsgRevoke';
  /** Whether it is called. Default: true. */
  readonly enable?: boolean;
  /** Time that the receiver gets to answer, in ms. Default: 5000. */
  readonly timeoutMs?: number;
  /** Of before-events: what was asked about goes on when the receiver cannot be asked; otherwise it fails with a retryable error. Default: false. */
  readonly failedContinue?: boolean;
  /** Content types of messages for which it is not called. */
  readonly deniedTypes?: readonly number[];
  /** Receivers or groups for whose messages it is called; absent means all. */
  readonly attentionIds?: readonly string[];
}

/** HTTP calls to the backend of the tenant before and after events. */
export interface OpenIMTenantWebhooks {
  /** Base URL, to which /<command> is added; absent: no webhook is called. */
  readonly url?: string;
  /** Secret of this namespace with the secret that signs requests after the Standard Webhooks specification (whsec_ and base64). Absent: requests are not signed. */
  readonly secretRef?: OpenIMTenantWebhooksSecretRef;
  /** Secret of this namespace with the secret that signs requests as well, while receivers change from it to the other one. */
  readonly previousSecretRef?: OpenIMTenantWebhooksPreviousSecretRef;
  /** Events for which webhooks are called. */
  readonly events?: readonly OpenIMTenantWebhooksEvent[];
}

/** Key of a service account as JSON, with project_id, client_email, private_key and token_uri. In a Secret of this namespace. */
export interface OpenIMTenantPushProvidersFcmServiceAccountSecretRef {
  /** Name of the Secret. */
  readonly name: string;
  /** Key in it. Default: serviceAccount. */
  readonly key?: string;
}

/** Firebase Cloud Messaging; tokens without a prefix. */
export interface OpenIMTenantPushProvidersFcm {
  /** Key of a service account as JSON, with project_id, client_email, private_key and token_uri. In a Secret of this namespace. */
  readonly serviceAccountSecretRef: OpenIMTenantPushProvidersFcmServiceAccountSecretRef;
  /** Base URL instead of https://fcm.googleapis.com, for example of a proxy. */
  readonly url?: string;
}

/** Signing key, the text of the .p8 file. In a Secret of this namespace. */
export interface OpenIMTenantPushProvidersApnsKeySecretRef {
  /** Name of the Secret. */
  readonly name: string;
  /** Key in it. Default: key. */
  readonly key?: string;
}

/** Apple Push Notification service; tokens apns: and apns-sandbox:. */
export interface OpenIMTenantPushProvidersApns {
  /** Signing key, the text of the .p8 file. In a Secret of this namespace. */
  readonly keySecretRef: OpenIMTenantPushProvidersApnsKeySecretRef;
  /** Key ID, 10 characters. */
  readonly keyID: string;
  /** Team ID, 10 characters. */
  readonly teamID: string;
  /** Bundle ID of the app. */
  readonly topic: string;
  /** Tokens apns: belong to the sandbox (development builds); apns-sandbox: always do. Default: false. */
  readonly sandbox?: boolean;
  /** Base URL instead of https://api.push.apple.com, for example of a proxy. */
  readonly url?: string;
}

/** App secret, the OAuth client secret. In a Secret of this namespace. */
export interface OpenIMTenantPushProvidersHmsAppSecretRef {
  /** Name of the Secret. */
  readonly name: string;
  /** Key in it. Default: appSecret. */
  readonly key?: string;
}

/** Huawei Push Kit; tokens hms:. */
export interface OpenIMTenantPushProvidersHms {
  /** App ID, which is the OAuth client ID as well. */
  readonly appID: string;
  /** App secret, the OAuth client secret. In a Secret of this namespace. */
  readonly appSecretRef: OpenIMTenantPushProvidersHmsAppSecretRef;
  /** Category of messages; empty sends none. Default: IM. */
  readonly category?: string;
  /** Base URL instead of https://push-api.cloud.huawei.com, for example of a proxy. */
  readonly url?: string;
  /** Base URL instead of https://oauth-login.cloud.huawei.com, for example of a proxy. */
  readonly authURL?: string;
}

/** Service account as JSON, with project_id, key_id, private_key and sub_account. In a Secret of this namespace. */
export interface OpenIMTenantPushProvidersHosServiceAccountSecretRef {
  /** Name of the Secret. */
  readonly name: string;
  /** Key in it. Default: serviceAccount. */
  readonly key?: string;
}

/** Huawei Push Kit for HarmonyOS NEXT; tokens hos:. */
export interface OpenIMTenantPushProvidersHos {
  /** Service account as JSON, with project_id, key_id, private_key and sub_account. In a Secret of this namespace. */
  readonly serviceAccountSecretRef: OpenIMTenantPushProvidersHosServiceAccountSecretRef;
  /** Category of messages. Default: IM. */
  readonly category?: string;
  /** Messages are tests, which have a small daily quota. Default: false. */
  readonly testMessage?: boolean;
  /** Base URL instead of https://push-api.cloud.huawei.com, for example of a proxy. */
  readonly url?: string;
}

/** App secret. In a Secret of this namespace. */
export interface OpenIMTenantPushProvidersMiAppSecretRef {
  /** Name of the Secret. */
  readonly name: string;
  /** Key in it. Default: appSecret. */
  readonly key?: string;
}

/** Xiaomi Push; tokens mi:. */
export interface OpenIMTenantPushProvidersMi {
  /** App secret. In a Secret of this namespace. */
  readonly appSecretRef: OpenIMTenantPushProvidersMiAppSecretRef;
  /** Package name of the app. */
  readonly packageName: string;
  /** Notification channel registered with Xiaomi. */
  readonly channelID?: string;
  /** Base URL instead of https://api.xmpush.xiaomi.com, for example of a proxy. */
  readonly url?: string;
}

/** Master secret. In a Secret of this namespace. */
export interface OpenIMTenantPushProvidersGetuiMasterSecretRef {
  /** Name of the Secret. */
  readonly name: string;
  /** Key in it. Default: masterSecret. */
  readonly key?: string;
}

/** Getui; apps bind the user id as alias. */
export interface OpenIMTenantPushProvidersGetui {
  /** App ID. */
  readonly appID: string;
  /** App key. */
  readonly appKey: string;
  /** Master secret. In a Secret of this namespace. */
  readonly masterSecretRef: OpenIMTenantPushProvidersGetuiMasterSecretRef;
  /** Users notified through their alias, which is the user id: All, or only those without a registered token of another provider. Default: All. */
  readonly users?: 'All' | 'WithoutToken';
  /** Intent that a tap opens; empty starts the app. */
  readonly intent?: string;
  /** Notification channel on Android. */
  readonly channelID?: string;
  /** Name of the notification channel. */
  readonly channelName?: string;
  /** Base URL instead of https://restapi.getui.com/v2/<appID>, for example of a proxy. */
  readonly url?: string;
}

/** Master secret, 24 characters. In a Secret of this namespace. */
export interface OpenIMTenantPushProvidersJpushMasterSecretRef {
  /** Name of the Secret. */
  readonly name: string;
  /** Key in it. Default: masterSecret. */
  readonly key?: string;
}

/** JPush; apps bind the user id as alias. */
export interface OpenIMTenantPushProvidersJpush {
  /** App key, 24 characters. */
  readonly appKey: string;
  /** Master secret, 24 characters. In a Secret of this namespace. */
  readonly masterSecretRef: OpenIMTenantPushProvidersJpushMasterSecretRef;
  /** Users notified through their alias, which is the user id: All, or only those without a registered token of another provider. Default: All. */
  readonly users?: 'All' | 'WithoutToken';
  /** Intent that a tap opens; empty starts the app. */
  readonly intent?: string;
  /** iOS apps are signed for production. Default: true. */
  readonly apnsProduction?: boolean;
  /** Base URL instead of https://api.jpush.cn, for example of a proxy. */
  readonly url?: string;
}

/** VAPID private key: 32 bytes, base64url. In a Secret of this namespace. */
export interface OpenIMTenantPushProvidersWebPushPrivateKeySecretRef {
  /** Name of the Secret. */
  readonly name: string;
  /** Key in it. Default: privateKey. */
  readonly key?: string;
}

/** Web Push; tokens web: with the subscription as JSON. */
export interface OpenIMTenantPushProvidersWebPush {
  /** VAPID public key: 65 bytes, base64url. Browsers subscribe with it. */
  readonly publicKey: string;
  /** VAPID private key: 32 bytes, base64url. In a Secret of this namespace. */
  readonly privateKeySecretRef: OpenIMTenantPushProvidersWebPushPrivateKeySecretRef;
  /** Contact of the sender, mailto: or https:. */
  readonly subject: string;
  /** Hosts of endpoints that subscriptions may have; *. in front stands for all below. Default: those of Chrome, Firefox, Safari and Edge. */
  readonly hosts?: readonly string[];
}

/** Signs requests after the Standard Webhooks specification. In a Secret of this namespace. */
export interface OpenIMTenantPushProvidersWebhookSecretRef {
  /** Name of the Secret. */
  readonly name: string;
  /** Key in it. Default: secret. */
  readonly key?: string;
}

/** A generic webhook, signed as Standard Webhooks. */
export interface OpenIMTenantPushProvidersWebhook {
  /** Receives one POST per notification; at an internal address only if webhooks.allowedNetworks has it. */
  readonly url: string;
  /** Signs requests after the Standard Webhooks specification. In a Secret of this namespace. */
  readonly secretRef: OpenIMTenantPushProvidersWebhookSecretRef;
  /** Kinds of tokens that it delivers, instead of the provider of that kind. Default: oppo, vivo, honor, meizu. */
  readonly kinds?: readonly ('fcm' | 'apns' | 'apns-sandbox' | 'hms' | 'hos' | 'mi' | 'web' | 'oppo' | 'vivo' | 'honor' | 'meizu')[];
  /** Users that it gets by their ids in addition: None, All, or those without a registered token. Default: None. */
  readonly users?: 'None' | 'All' | 'WithoutToken';
}

/** Providers and their credentials. */
export interface OpenIMTenantPushProviders {
  /** Firebase Cloud Messaging; tokens without a prefix. */
  readonly fcm?: OpenIMTenantPushProvidersFcm;
  /** Apple Push Notification service; tokens apns: and apns-sandbox:. */
  readonly apns?: OpenIMTenantPushProvidersApns;
  /** Huawei Push Kit; tokens hms:. */
  readonly hms?: OpenIMTenantPushProvidersHms;
  /** Huawei Push Kit for HarmonyOS NEXT; tokens hos:. */
  readonly hos?: OpenIMTenantPushProvidersHos;
  /** Xiaomi Push; tokens mi:. */
  readonly mi?: OpenIMTenantPushProvidersMi;
  /** Getui; apps bind the user id as alias. */
  readonly getui?: OpenIMTenantPushProvidersGetui;
  /** JPush; apps bind the user id as alias. */
  readonly jpush?: OpenIMTenantPushProvidersJpush;
  /** Web Push; tokens web: with the subscription as JSON. */
  readonly webPush?: OpenIMTenantPushProvidersWebPush;
  /** A generic webhook, signed as Standard Webhooks. */
  readonly webhook?: OpenIMTenantPushProvidersWebhook;
}

/** Offline notifications of the tenant, with providers and credentials of its own. Absent: as in spec.offlinePush of the OpenIMCluster. Needs a version of the service that knows it; for an older one it is left out, as condition Ready reports. */
export interface OpenIMTenantPush {
  /** Providers and their credentials. */
  readonly providers?: OpenIMTenantPushProviders;
  /** What a notification shows of a message: title and text; the title; nothing but fallbackText. None leaves out the extra data of the sender as well. Default: Full. */
  readonly content?: 'Full' | 'Title' | 'None';
  /** Title and text where a message has none, or they are not shown. Default: [NEWMSG]. */
  readonly fallbackText?: string;
  /** Sound on iOS where the sender names none; empty is silent. Default: default. */
  readonly sound?: string;
  /** Notifications set the badge on iOS and, where supported, Android. Default: true. */
  readonly badge?: boolean;
  /** Providers keep a notification for this long while a device is unreachable. Default: 86400. */
  readonly ttlSeconds?: number;
  /** A notification replaces the previous one of the same conversation; false shows each. Default: true. */
  readonly collapse?: boolean;
  /** A message that mentions a member notifies them even if they receive the conversation without notice. Default: false. */
  readonly mentionsThroughMute?: boolean;
  /** Devices per second, provider and process; 0 is no limit. */
  readonly devicesPerSecond?: number;
  /** Requests at once, per provider and process. Default: 16. */
  readonly concurrency?: number;
}

/** Password of the user. In a Secret of this namespace. */
export interface OpenIMTenantMailPasswordSecretRef {
  /** Name of the Secret. */
  readonly name: string;
  /** Key in it. Default: password. */
  readonly key?: string;
}

/** SMTP server of the tenant: verification codes and reports go through it. Needs a version of the service that knows it; for an older one it is left out, as condition Ready reports. */
export interface OpenIMTenantMail {
  /** SMTP server; at an internal address only if webhooks.allowedNetworks has it. */
  readonly host: string;
  /** Port: 587 with StartTLS, 465 with TLS. Default: 587. */
  readonly port?: number;
  /** StartTLS: the connection must become encrypted; TLS: it is from the start; None: nothing is encrypted, only for a server in the same private network. Default: StartTLS. */
  readonly security?: 'StartTLS' | 'TLS' | 'None';
  /** Certificates, as PEM, of an authority of the server that systems do not know. */
  readonly ca?: string;
  /** User name; empty: no authentication. */
  readonly user?: string;
  /** Password of the user. In a Secret of this namespace. */
  readonly passwordSecretRef?: OpenIMTenantMailPasswordSecretRef;
  /** Address of the sender. */
  readonly from: string;
  /** Name of the sender. */
  readonly fromName?: string;
}

/** Daily report on the health of the tenant. Needs a version of the service that knows it; for an older one it is left out, as condition Ready reports. */
export interface OpenIMTenantHealthReport {
  /** Mail addresses; empty: the report is in the log and in cron list alone. Needs spec.mail. */
  readonly to?: readonly string[];
  /** Daily: a mail each day; Problems: only on days with something to look at. Default: Daily. */
  readonly when?: 'Daily' | 'Problems';
  /** Language of the mails. Default: en. */
  readonly language?: 'zh' | 'en';
}

/** Daily statistics of the tenant. Needs a version of the service that knows it; for an older one it is left out, as condition Ready reports. */
export interface OpenIMTenantStatistics {
  /** Time zone of the days of statistics, by its name in the IANA database, such as Asia/Shanghai. A change counts from the next count on; earlier days stay as they were. Default: UTC. */
  readonly timeZone?: string;
}

/** Access key secret. In a Secret of this namespace. */
export interface OpenIMTenantVerificationSmsAliyunAccessKeySecretRef {
  /** Name of the Secret. */
  readonly name: string;
  /** Key in it. Default: accessKeySecret. */
  readonly key?: string;
}

/** Chinese. */
export interface OpenIMTenantVerificationSmsAliyunTemplatesZh {
  /** Signature, as approved. */
  readonly signName: string;
  /** Code of the approved template, such as SMS_123456789. */
  readonly templateCode: string;
  /** Parameters of the template; {code} and {minutes} are replaced. Without it: code. */
  readonly params?: Readonly<Record<string, string>>;
}

/** English. */
export interface OpenIMTenantVerificationSmsAliyunTemplatesEn {
  /** Signature, as approved. */
  readonly signName: string;
  /** Code of the approved template, such as SMS_123456789. */
  readonly templateCode: string;
  /** Parameters of the template; {code} and {minutes} are replaced. Without it: code. */
  readonly params?: Readonly<Record<string, string>>;
}

/** Template of each language; a code is sent in the other one when its own is absent. */
export interface OpenIMTenantVerificationSmsAliyunTemplates {
  /** Chinese. */
  readonly zh?: OpenIMTenantVerificationSmsAliyunTemplatesZh;
  /** English. */
  readonly en?: OpenIMTenantVerificationSmsAliyunTemplatesEn;
}

/** Aliyun SMS. */
export interface OpenIMTenantVerificationSmsAliyun {
  /** Access key ID. */
  readonly accessKeyID: string;
  /** Access key secret. In a Secret of this namespace. */
  readonly accessKeySecretRef: OpenIMTenantVerificationSmsAliyunAccessKeySecretRef;
  /** Template of each language; a code is sent in the other one when its own is absent. */
  readonly templates: OpenIMTenantVerificationSmsAliyunTemplates;
  /** URL instead of https://dysmsapi.aliyuncs.com, for example of another region; at an internal address only if webhooks.allowedNetworks has it. */
  readonly url?: string;
}

/** Secret key. In a Secret of this namespace. */
export interface OpenIMTenantVerificationSmsTencentSecretKeySecretRef {
  /** Name of the Secret. */
  readonly name: string;
  /** Key in it. Default: secretKey. */
  readonly key?: string;
}

/** Chinese. */
export interface OpenIMTenantVerificationSmsTencentTemplatesZh {
  /** Signature, as approved; empty outside of China. */
  readonly signName?: string;
  /** ID of the approved template. */
  readonly templateID: string;
  /** Parameters of the template in order; {code} and {minutes} are replaced. Default: {code}. */
  readonly params?: readonly string[];
}

/** English. */
export interface OpenIMTenantVerificationSmsTencentTemplatesEn {
  /** Signature, as approved; empty outside of China. */
  readonly signName?: string;
  /** ID of the approved template. */
  readonly templateID: string;
  /** Parameters of the template in order; {code} and {minutes} are replaced. Default: {code}. */
  readonly params?: readonly string[];
}

/** Template of each language; a code is sent in the other one when its own is absent. */
export interface OpenIMTenantVerificationSmsTencentTemplates {
  /** Chinese. */
  readonly zh?: OpenIMTenantVerificationSmsTencentTemplatesZh;
  /** English. */
  readonly en?: OpenIMTenantVerificationSmsTencentTemplatesEn;
}

/** Tencent Cloud SMS. */
export interface OpenIMTenantVerificationSmsTencent {
  /** Secret ID. */
  readonly secretID: string;
  /** Secret key. In a Secret of this namespace. */
  readonly secretKeySecretRef: OpenIMTenantVerificationSmsTencentSecretKeySecretRef;
  /** SDK app ID, such as 1400000000. */
  readonly appID: string;
  /** Region. Default: ap-guangzhou. */
  readonly region?: string;
  /** Template of each language; a code is sent in the other one when its own is absent. */
  readonly templates: OpenIMTenantVerificationSmsTencentTemplates;
  /** URL instead of https://sms.tencentcloudapi.com, for example of another region; at an internal address only if webhooks.allowedNetworks has it. */
  readonly url?: string;
}

/** Codes by SMS; absent providers are not asked. */
export interface OpenIMTenantVerificationSms {
  /** Aliyun SMS. */
  readonly aliyun?: OpenIMTenantVerificationSmsAliyun;
  /** Tencent Cloud SMS. */
  readonly tencent?: OpenIMTenantVerificationSmsTencent;
  /** Order in which providers are asked: the next one when one refuses for certain, never after a time-out. Default: aliyun, tencent. */
  readonly order?: readonly ('aliyun' | 'tencent')[];
  /** Beginnings of numbers that may get codes, such as +86; empty: all. Limits what fraud can cost. */
  readonly countries?: readonly string[];
}

/** Chinese. */
export interface OpenIMTenantVerificationMailZh {
  /** Subject. */
  readonly subject: string;
  /** Text. */
  readonly text: string;
  /** HTML next to the text; empty: none. */
  readonly html?: string;
}

/** English. */
export interface OpenIMTenantVerificationMailEn {
  /** Subject. */
  readonly subject: string;
  /** Text. */
  readonly text: string;
  /** HTML next to the text; empty: none. */
  readonly html?: string;
}

/** Mails with codes, in place of the usual texts; {code} and {minutes} are replaced. */
export interface OpenIMTenantVerificationMail {
  /** Chinese. */
  readonly zh?: OpenIMTenantVerificationMailZh;
  /** English. */
  readonly en?: OpenIMTenantVerificationMailEn;
}

/** Verification codes by SMS, and by mail through spec.mail. Needs a version of the service that knows it; for an older one it is left out, as condition Ready reports. */
export interface OpenIMTenantVerification {
  /** Who may send and verify codes: Administrators, which is the application's backend, or each user as well. Default: Administrators. */
  readonly callers?: 'Administrators' | 'Users';
  /** Life of a code, in seconds. Default: 300. */
  readonly lifeSeconds?: number;
  /** Attempts to verify a code; then it is void. Default: 5. */
  readonly attempts?: number;
  /** Shortest time between two codes to an address, in seconds. Default: 60. */
  readonly intervalSeconds?: number;
  /** Codes to one address per day (UTC). Default: 10. */
  readonly perAddressPerDay?: number;
  /** Codes asked for from one IP address, or IPv6 network of 64 bits, per day (UTC). Default: 50. */
  readonly perIPPerDay?: number;
  /** Codes of the tenant per day (UTC). Default: 10000. */
  readonly perDay?: number;
  /** Language of codes that name none. Default: zh. */
  readonly language?: 'zh' | 'en';
  /** Sends nothing; codes are in the log at level debug. For development. Default: false. */
  readonly dryRun?: boolean;
  /** Codes by SMS; absent providers are not asked. */
  readonly sms?: OpenIMTenantVerificationSms;
  /** Mails with codes, in place of the usual texts; {code} and {minutes} are replaced. */
  readonly mail?: OpenIMTenantVerificationMail;
}

/** Its offline notification. */
export interface OpenIMTenantNotificationOfflinePush {
  /** Whether offline users get it as a push notification. Default: false. */
  readonly enable?: boolean;
  /** Title. */
  readonly title?: string;
  /** Text. */
  readonly desc?: string;
  /** Extra data. */
  readonly ext?: string;
}

/** One notification. */
export interface OpenIMTenantNotification {
  /** Name of the notification. */
  readonly name?: 'friendApplicationApproved' | 'friendApplicationRejected' | 'friendApplicationAdded' | 'friendAdded' | 'friendDeleted' | 'friendRemarkSet' | 'blackAdded' | 'blackDeleted' | 'friendInfoUpdated' | 'friendsInfoUpdated' | 'conversationChanged' | 'userInfoUpdated' | 'userStatusChanged' | 'userCommandAdded' | 'userCommandDeleted' | 'userCommandUpdated' | 'oaNotification' | 'groupCreated' | 'groupInfoSet' | 'joinGroupApplication' | 'memberQuit' | 'groupApplicationAccepted' | 'groupApplicationRejected' | 'groupOwnerTransferred' | 'memberKicked' | 'memberInvited' | 'memberEnter' | 'groupDismissed' | 'groupMemberMuted' | 'groupMemberCancelMuted' | 'groupMuted' | 'groupCancelMuted' | 'groupMemberInfoSet' | 'groupMemberSetToAdmin' | 'groupMemberSetToOrdinary' | 'groupInfoSetAnnouncement' | 'groupInfoSetName' | 'conversationSetPrivate' | 'conversationUnread' | 'conversationCleared' | 'conversationDeleted' | 'business' | 'messageRevoked' | 'messagesDeleted' | 'hasReadReceipt';
  /** Content type in place of the name, such as 1501. */
  readonly contentType?: number;
  /** Whether it also appears as a message in the chat. */
  readonly isSendMsg?: boolean;
  /** 1: only for those online; 2: stored in the notification conversation. */
  readonly reliabilityLevel?: 1 | 2;
  /** Its offline notification. */
  readonly offlinePush?: OpenIMTenantNotificationOfflinePush;
}

/** Identity, settings and limits of the tenant. */
export interface OpenIMTenantSpec {
  /** The cluster. */
  readonly clusterRef: OpenIMTenantClusterRef;
  /** The OpenIMTenantClass, in the namespace of the cluster. Default: spec.allowedTenants.defaultClass of the cluster. */
  readonly classRef?: OpenIMTenantClassRef;
  /** Name of the tenant in URLs (/t/<tenantID>) and tokens; default is the one at the root. Cannot change. Default: metadata.name. */
  readonly tenantID?: string;
  /** Host names for clients, in addition to the path. */
  readonly hosts?: readonly string[];
  /** Users with admin rights; the first is in the tenant's Secret. Default: imAdmin. */
  readonly adminUserIDs?: readonly string[];
  /** Nicknames of adminUserIDs, in their order; administrators with other nicknames are renamed when this changes. Default: superAdmin. */
  readonly adminNicknames?: readonly string[];
  /** In collections shared with other tenants, or in a separate database. Cannot change. Default: Shared. */
  readonly placement?: 'Shared' | 'Dedicated';
  /** Logins. */
  readonly tokenPolicy?: OpenIMTenantTokenPolicy;
  /** Change of the generated keys. A new key is loaded by all processes before it is used, and the former one passes until its end. Takes effect without a restart. */
  readonly keys?: OpenIMTenantKeys;
  /** Whether single chats require friendship. Default: false. */
  readonly friendVerify?: boolean;
  /** Whether only administrators may search users and groups; others get 1002. Default: false. */
  readonly searchByAdminsOnly?: boolean;
  /** Whether new members of a group see earlier messages. Default: true. */
  readonly enableHistoryForNewMembers?: boolean;
  /** What happens to everything stored of the tenant when the resource is deleted: it is kept, or removed for good after purgeAfterHours. Default: Retain. */
  readonly deletionPolicy?: 'Retain' | 'Purge';
  /** Time between the deletion of the resource and the removal of what is stored, with deletionPolicy Purge. Until then deletionPolicy Retain keeps it. Default: 72. */
  readonly purgeAfterHours?: number;
  /** Whether all requests are refused with a retryable error. Default: false. */
  readonly suspended?: boolean;
  /** Limits of the tenant; 0 or absent is no limit. */
  readonly quotas?: OpenIMTenantQuotas;
  /** Limits of one user of the tenant; an absent field is as in spec.limits of the OpenIMCluster. Counted per pod, as there. More is refused with a retryable error (429) that names the limit. Administrators are not limited. Needs a version of the service that knows these limits; for an older one they are left out, as condition Ready reports. */
  readonly userLimits?: OpenIMTenantUserLimits;
  /** HTTP calls to the backend of the tenant before and after events. */
  readonly webhooks?: OpenIMTenantWebhooks;
  /** Offline notifications of the tenant, with providers and credentials of its own. Absent: as in spec.offlinePush of the OpenIMCluster. Needs a version of the service that knows it; for an older one it is left out, as condition Ready reports. */
  readonly push?: OpenIMTenantPush;
  /** SMTP server of the tenant: verification codes and reports go through it. Needs a version of the service that knows it; for an older one it is left out, as condition Ready reports. */
  readonly mail?: OpenIMTenantMail;
  /** Daily report on the health of the tenant. Needs a version of the service that knows it; for an older one it is left out, as condition Ready reports. */
  readonly healthReport?: OpenIMTenantHealthReport;
  /** Daily statistics of the tenant. Needs a version of the service that knows it; for an older one it is left out, as condition Ready reports. */
  readonly statistics?: OpenIMTenantStatistics;
  /** Verification codes by SMS, and by mail through spec.mail. Needs a version of the service that knows it; for an older one it is left out, as condition Ready reports. */
  readonly verification?: OpenIMTenantVerification;
  /** Overrides of notification settings; absent fields keep their defaults. */
  readonly notifications?: readonly OpenIMTenantNotification[];
}

/** A condition. */
export interface OpenIMTenantStatusCondition {
  /** Name of the condition. */
  readonly type: string;
  /** True, False or Unknown. */
  readonly status: 'True' | 'False' | 'Unknown';
  /** Generation that was observed. */
  readonly observedGeneration?: number;
  /** Time of the last change of status. */
  readonly lastTransitionTime: string;
  /** Reason in one word, for programs. */
  readonly reason: string;
  /** Explanation and remedy. */
  readonly message: string;
}

/** Quotas that these figures count against; one without a limit is absent. */
export interface OpenIMTenantStatusUsageQuotas {
  /** Registered users. */
  readonly users?: number;
  /** Concurrent connections. */
  readonly connections?: number;
  /** Bytes of stored objects. */
  readonly storageBytes?: number;
}

/** What the tenant uses, rounded to two significant digits and changed at most every five minutes, unless a quota is used up or free again. A figure that was not taken yet is absent. */
export interface OpenIMTenantStatusUsage {
  /** Time of these figures. */
  readonly observedAt: string;
  /** Registered users at the last count of statistics. */
  readonly users?: number;
  /** Connections. */
  readonly connections?: number;
  /** Messages of single chats and groups of this UTC day at the last count of statistics. */
  readonly messagesToday?: number;
  /** The same of the day before. */
  readonly messagesYesterday?: number;
  /** Bytes of stored objects, including uploads in progress. */
  readonly storageBytes?: number;
  /** Requests that limits refused on this day, in the time zone of the statistics. */
  readonly throttledToday?: number;
  /** The same of the day before. */
  readonly throttledYesterday?: number;
  /** Quotas that these figures count against; one without a limit is absent. */
  readonly quotas?: OpenIMTenantStatusUsageQuotas;
}

/** Removed so far, by the process that removes at present. */
export interface OpenIMTenantStatusDeletionRemoved {
  /** Records of streams. */
  readonly records?: number;
  /** Documents of MongoDB. */
  readonly documents?: number;
  /** Keys of Redis. */
  readonly keys?: number;
  /** Objects and unfinished uploads. */
  readonly objects?: number;
}

/** Progress of the deletion; absent while the resource is not being deleted. */
export interface OpenIMTenantStatusDeletion {
  /** Time from which on data are removed. */
  readonly purgeAt?: string;
  /** What is being removed: log, documents, keys, objects; then scan. */
  readonly step?: string;
  /** Removed so far, by the process that removes at present. */
  readonly removed?: OpenIMTenantStatusDeletionRemoved;
}

/** A key. */
export interface OpenIMTenantStatusKey {
  /** What it is for: Signing signs tokens, Admin is the secret of administrators. */
  readonly purpose: 'Signing' | 'Admin';
  /** ID of the key; it does not tell the key. */
  readonly id: string;
  /** Current: in use; Next: processes are loading it; Former: still accepted; Ended: refused. */
  readonly state: 'Current' | 'Next' | 'Former' | 'Ended';
  /** Time since which it is in use; absent for a key that was made with the tenant. */
  readonly since?: string;
  /** Time until which it is accepted. */
  readonly until?: string;
}

/** Addresses for its clients. */
export interface OpenIMTenantStatusEndpoints {
  /** Base URL of the HTTP API. */
  readonly api?: string;
  /** Base URL of the gateway. */
  readonly webSocket?: string;
}

/** Secret with adminUser and adminSecret. */
export interface OpenIMTenantStatusAdminSecretRef {
  /** Name of the Secret. */
  readonly name?: string;
}

/** Observed state. */
export interface OpenIMTenantStatus {
  /** Generation of the spec that this status refers to. */
  readonly observedGeneration?: number;
  /** Name of the tenant in URLs and tokens. */
  readonly tenantID?: string;
  /** Ready: all processes serve the tenant with these settings. KeysRotated: the keys are those that spec.keys asks for; absent while it asks for none. QuotaExceeded: a quota of users, connections or storage is used up. WithinClass: no setting is above a ceiling of the class; absent without a class. */
  readonly conditions?: readonly OpenIMTenantStatusCondition[];
  /** Name of the OpenIMTenantClass in force; absent without one. */
  readonly className?: string;
  /** What the tenant uses, rounded to two significant digits and changed at most every five minutes, unless a quota is used up or free again. A figure that was not taken yet is absent. */
  readonly usage?: OpenIMTenantStatusUsage;
  /** Progress of the deletion; absent while the resource is not being deleted. */
  readonly deletion?: OpenIMTenantStatusDeletion;
  /** Keys that are accepted, or were last. */
  readonly keys?: readonly OpenIMTenantStatusKey[];
  /** Time since which all running processes have the settings of this generation; absent while Ready is not True. */
  readonly inForceSince?: string;
  /** Generation of the spec whose settings are applied: an earlier one while a change is refused or not applied yet; absent when nothing is. */
  readonly inForceGeneration?: number;
  /** Addresses for its clients. */
  readonly endpoints?: OpenIMTenantStatusEndpoints;
  /** Secret with adminUser and adminSecret. */
  readonly adminSecretRef?: OpenIMTenantStatusAdminSecretRef;
}
