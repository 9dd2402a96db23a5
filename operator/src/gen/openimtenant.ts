// Made from crds/openimtenants.openim.io.yaml by operator/scripts/crd-types.ts.

/** The cluster. */
export interface OpenIMTenantClusterRef {
  /** Name of an OpenIMCluster of this namespace. */
  readonly name: string;
}

/** Logins. */
export interface OpenIMTenantTokenPolicy {
  /** Life of a token, in days. Default: 90. */
  readonly expireDays?: number;
  /** Which earlier logins a new one ends: 0 none, 1 the same platform, 4 the same terminal class, 5 all but PC. Default: 1. */
  readonly multiLogin?: 0 | 1 | 4 | 5;
  /** Most tokens of one user per platform where multiLogin is 0; one more ends the oldest. Default: 30. */
  readonly maxTokensPerPlatform?: number;
}

/** What it may use; 0 is no limit, and so is an absent field. */
export interface OpenIMTenantQuotas {
  /** Registered users. */
  readonly users?: number;
  /** Connections at once. */
  readonly connections?: number;
  /** New connections per second and gateway. */
  readonly handshakesPerSecond?: number;
  /** Messages per second and pod: each gateway counts those that it takes, each rpc pod all that reach it, from gateways and over HTTP. */
  readonly messagesPerSecond?: number;
  /** HTTP requests per second and api process. */
  readonly requestsPerSecond?: number;
  /** Members of a group. Default: 100000. */
  readonly groupSize?: number;
  /** Groups that a user may be in. */
  readonly groupsPerUser?: number;
  /** Bytes of stored objects, uploads under way included. */
  readonly storageBytes?: number;
  /** Bytes of one object. */
  readonly objectBytes?: number;
  /** Days that messages are kept. */
  readonly retentionDays?: number;
}

/** What one user of the tenant may do; an absent field is as in spec.limits of the OpenIMCluster, and counts per pod as there. More is refused with a retryable error (429) that names the limit. Administrators are not limited. Needs a version of the service that knows these limits; an older one is left without them, as condition Ready tells. */
export interface OpenIMTenantUserLimits {
  /** Messages per second; 0 is no limit. */
  readonly messagesPerSecond?: number;
  /** Messages at once. */
  readonly messageBurst?: number;
  /** Bytes of messages per second; 0 is no limit. */
  readonly bytesPerSecond?: number;
  /** Bytes of messages at once. */
  readonly byteBurst?: number;
  /** HTTP requests per second that change something; 0 is no limit. */
  readonly changesPerSecond?: number;
  /** Such requests at once. */
  readonly changeBurst?: number;
  /** New nicknames and pictures per minute; 0 is no limit. */
  readonly profileChangesPerMinute?: number;
  /** New nicknames and pictures at once. */
  readonly profileChangeBurst?: number;
  /** Messages per minute and group that mention everybody; 0 is no limit. */
  readonly mentionAllPerMinute?: number;
  /** Such messages at once. */
  readonly mentionAllBurst?: number;
}

/** Its offline notification. */
export interface OpenIMTenantNotificationOfflinePush {
  /** Whether it also goes to users who are offline. Default: false. */
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
  /** Which one: its content type, such as 1501. */
  readonly contentType: number;
  /** Whether it also appears as a message in the chat. */
  readonly isSendMsg?: boolean;
  /** 1: only for those online; 2: stored in the notification conversation. */
  readonly reliabilityLevel?: 1 | 2;
  /** Its offline notification. */
  readonly offlinePush?: OpenIMTenantNotificationOfflinePush;
}

/** What the tenant is and may do. */
export interface OpenIMTenantSpec {
  /** The cluster. */
  readonly clusterRef: OpenIMTenantClusterRef;
  /** Name of the tenant in URLs (/t/<tenantID>) and tokens; default is the one at the root. Cannot change. Default: metadata.name. */
  readonly tenantID?: string;
  /** Host names by which clients reach it, beside the path. */
  readonly hosts?: readonly string[];
  /** Users with admin rights; the first is told in the tenant's Secret. Default: imAdmin. */
  readonly adminUserIDs?: readonly string[];
  /** Nicknames of adminUserIDs, in their order; an administrator who has another one is renamed when this changes. Default: superAdmin. */
  readonly adminNicknames?: readonly string[];
  /** In the collections of all tenants, or in a database of its own. Cannot change. Default: Shared. */
  readonly placement?: 'Shared' | 'Dedicated';
  /** Logins. */
  readonly tokenPolicy?: OpenIMTenantTokenPolicy;
  /** Whether single chats need friendship. Default: false. */
  readonly friendVerify?: boolean;
  /** Whether only administrators may search users and groups; others get 1002. Default: false. */
  readonly searchByAdminsOnly?: boolean;
  /** Whether who joins a group sees what was written before. Default: true. */
  readonly enableHistoryForNewMembers?: boolean;
  /** Whether all requests are refused with a retryable error. Default: false. */
  readonly suspended?: boolean;
  /** What it may use; 0 is no limit, and so is an absent field. */
  readonly quotas?: OpenIMTenantQuotas;
  /** What one user of the tenant may do; an absent field is as in spec.limits of the OpenIMCluster, and counts per pod as there. More is refused with a retryable error (429) that names the limit. Administrators are not limited. Needs a version of the service that knows these limits; an older one is left without them, as condition Ready tells. */
  readonly userLimits?: OpenIMTenantUserLimits;
  /** Notifications that differ from their defaults; what is absent in one keeps its default. */
  readonly notifications?: readonly OpenIMTenantNotification[];
}

/** A condition. */
export interface OpenIMTenantStatusCondition {
  /** Name of the condition. */
  readonly type: string;
  /** Whether it holds. */
  readonly status: 'True' | 'False' | 'Unknown';
  /** Generation that it was seen at. */
  readonly observedGeneration?: number;
  /** When status changed last. */
  readonly lastTransitionTime: string;
  /** One word for programs. */
  readonly reason: string;
  /** What is so and what to do about it. */
  readonly message: string;
}

/** Where its clients begin. */
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

/** What the operator saw last. */
export interface OpenIMTenantStatus {
  /** Generation of spec that the rest of status is about. */
  readonly observedGeneration?: number;
  /** Name of the tenant in URLs and tokens. */
  readonly tenantID?: string;
  /** Ready: every process serves it with these settings. */
  readonly conditions?: readonly OpenIMTenantStatusCondition[];
  /** Where its clients begin. */
  readonly endpoints?: OpenIMTenantStatusEndpoints;
  /** Secret with adminUser and adminSecret. */
  readonly adminSecretRef?: OpenIMTenantStatusAdminSecretRef;
}
