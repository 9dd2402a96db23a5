// Made from crds/openimtenants.openim.io.yaml by operator/scripts/crd-types.ts.

/** The cluster. */
export interface OpenIMTenantClusterRef {
  /** Name of an OpenIMCluster of this namespace. */
  readonly name: string;
}

/** Logins. */
export interface OpenIMTenantTokenPolicy {
  /** Lifetime of a token in days. Default: 90. */
  readonly expireDays?: number;
  /** Which earlier logins a new one ends: 0 none, 1 the same platform, 4 the same terminal class, 5 all but PC. Default: 1. */
  readonly multiLogin?: 0 | 1 | 4 | 5;
  /** Maximum tokens of one user per platform where multiLogin is 0; another one ends the oldest. Default: 30. */
  readonly maxTokensPerPlatform?: number;
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
  /** Content type, such as 1501. */
  readonly contentType: number;
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
  /** Whether single chats require friendship. Default: false. */
  readonly friendVerify?: boolean;
  /** Whether only administrators may search users and groups; others get 1002. Default: false. */
  readonly searchByAdminsOnly?: boolean;
  /** Whether new members of a group see earlier messages. Default: true. */
  readonly enableHistoryForNewMembers?: boolean;
  /** Whether all requests are refused with a retryable error. Default: false. */
  readonly suspended?: boolean;
  /** Limits of the tenant; 0 or absent is no limit. */
  readonly quotas?: OpenIMTenantQuotas;
  /** Limits of one user of the tenant; an absent field is as in spec.limits of the OpenIMCluster. Counted per pod, as there. More is refused with a retryable error (429) that names the limit. Administrators are not limited. Needs a version of the service that knows these limits; for an older one they are left out, as condition Ready reports. */
  readonly userLimits?: OpenIMTenantUserLimits;
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
  /** Ready: all processes serve the tenant with these settings. */
  readonly conditions?: readonly OpenIMTenantStatusCondition[];
  /** Addresses for its clients. */
  readonly endpoints?: OpenIMTenantStatusEndpoints;
  /** Secret with adminUser and adminSecret. */
  readonly adminSecretRef?: OpenIMTenantStatusAdminSecretRef;
}
