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
}

/** What it may use; 0 is no limit, and so is an absent field. */
export interface OpenIMTenantQuotas {
  /** Registered users. */
  readonly users?: number;
  /** Connections at once. */
  readonly connections?: number;
  /** New connections per second and gateway. */
  readonly handshakesPerSecond?: number;
  /** Messages per second and process that takes them. */
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
  /** In the collections of all tenants, or in a database of its own. Cannot change. Default: Shared. */
  readonly placement?: 'Shared' | 'Dedicated';
  /** Logins. */
  readonly tokenPolicy?: OpenIMTenantTokenPolicy;
  /** Whether single chats need friendship. Default: false. */
  readonly friendVerify?: boolean;
  /** Whether all requests are refused with a retryable error. Default: false. */
  readonly suspended?: boolean;
  /** What it may use; 0 is no limit, and so is an absent field. */
  readonly quotas?: OpenIMTenantQuotas;
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
