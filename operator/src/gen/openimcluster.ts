// Made from crds/openimclusters.openim.io.yaml by operator/scripts/crd-types.ts.

/** Reference to a Secret of this namespace. */
export interface LocalRef {
  /** Name of a Secret of this namespace. */
  readonly name: string;
}

/** Request limits per connection, and byte limits per user; above them answers are delayed, and the connection stays open. */
export interface OpenIMClusterGatewayRequests {
  /** Frames per second and connection, including pings; 0 is no limit. Takes effect without a restart. Default: 200. */
  readonly ratePerSecond?: number;
  /** Burst of frames. Takes effect without a restart. Default: 2000. */
  readonly burst?: number;
  /** Bytes per second and user of requests above 16 KiB, after gunzip and over all connections; 0 is no limit. Takes effect without a restart. Default: 2097152. */
  readonly bytesPerSecond?: number;
  /** Burst of such bytes. Takes effect without a restart. Default: 8388608. */
  readonly byteBurst?: number;
}

/** Admission of new connections with the same token, so that a client that reconnects in a loop does not use up the admission of all. */
export interface OpenIMClusterGatewayHandshakesPerLogin {
  /** New connections per second with the same token; 0 is no limit. Takes effect without a restart. Default: 5. */
  readonly ratePerSecond?: number;
  /** Burst of new connections with the same token. Takes effect without a restart. Default: 100. */
  readonly burst?: number;
}

/** Admission of new connections at each gateway, before any backend is used. */
export interface OpenIMClusterGatewayHandshakes {
  /** New connections per second; 0 is no limit. Takes effect without a restart. Default: 500. */
  readonly ratePerSecond?: number;
  /** Burst of new connections. Takes effect without a restart. Default: 1000. */
  readonly burst?: number;
  /** Admission of new connections with the same token, so that a client that reconnects in a loop does not use up the admission of all. */
  readonly perLogin?: OpenIMClusterGatewayHandshakesPerLogin;
}

/** Drain of connections before a pod stops. */
export interface OpenIMClusterGatewayDrain {
  /** Longest duration of a drain, after which the remaining connections are closed. A change replaces the gateways, because it determines the grace period of their pods. Default: 600. */
  readonly deadlineSeconds?: number;
  /** Maximum connections closed per second and pod. Takes effect without a restart. Default: 500. */
  readonly maxPerSecond?: number;
}

/** Service for clients inside and, depending on type, outside the cluster. */
export interface ServiceSettings {
  /** Type of the Service. Default: ClusterIP. */
  readonly type?: 'ClusterIP' | 'NodePort' | 'LoadBalancer';
  /** Port of the Service. Default: 10001 (gateway), 10002 (api), 8333 (object storage). */
  readonly port?: number;
  /** Port on every node; assigned by Kubernetes when absent. */
  readonly nodePort?: number;
  /** Annotations for the load balancer provider. */
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Ingress for the Service. */
export interface IngressSettings {
  /** Host name in the URLs of clients. */
  readonly host: string;
  /** IngressClass. Default: the cluster's default class. */
  readonly className?: string;
  /** Secret with the certificate; without one the Ingress has no TLS. */
  readonly tlsSecretName?: string;
  /** Annotations for the Ingress controller. */
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Requests and limits of the container. Default: by role. */
export interface ResourceSettings {
  /** Quantities by resource name. */
  readonly requests?: Readonly<Record<string, string | number>>;
  /** Quantities by resource name. */
  readonly limits?: Readonly<Record<string, string | number>>;
}

/** An environment variable. */
export interface EnvVar {
  /** Name. */
  readonly name: string;
  /** Value. */
  readonly value?: string;
}

/** Additions to the pod template. */
export interface PodTemplateSettings {
  /** Additional labels. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Additional annotations. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** Labels that nodes must have. */
  readonly nodeSelector?: Readonly<Record<string, string>>;
  /** PriorityClass. */
  readonly priorityClassName?: string;
  /** ServiceAccount. Default: one without permissions, created by the operator. */
  readonly serviceAccountName?: string;
  /** Tolerated taints. */
  readonly tolerations?: readonly Readonly<Record<string, unknown>>[];
  /** Affinity. Default: pods of a role prefer different nodes. */
  readonly affinity?: Readonly<Record<string, unknown>>;
  /** Topology spread constraints. */
  readonly topologySpreadConstraints?: readonly Readonly<Record<string, unknown>>[];
  /** Additional environment variables of the container. */
  readonly env?: readonly EnvVar[];
}

/** The WebSocket gateways that clients connect to. */
export interface OpenIMClusterGateway {
  /** Number of pods. Default: 2. */
  readonly replicas?: number;
  /** Maximum connections per pod; more are refused with a retryable error. Takes effect without a restart. Default: 100000. */
  readonly maxConnectionsPerPod?: number;
  /** Maximum connections of one user per gateway pod; another one closes the oldest background connection, or else the oldest. Takes effect without a restart. Default: 50. */
  readonly maxConnectionsPerUser?: number;
  /** Request limits per connection, and byte limits per user; above them answers are delayed, and the connection stays open. */
  readonly requests?: OpenIMClusterGatewayRequests;
  /** Admission of new connections at each gateway, before any backend is used. */
  readonly handshakes?: OpenIMClusterGatewayHandshakes;
  /** Drain of connections before a pod stops. */
  readonly drain?: OpenIMClusterGatewayDrain;
  /** Service for clients inside and, depending on type, outside the cluster. */
  readonly service?: ServiceSettings;
  /** Ingress for the Service. */
  readonly ingress?: IngressSettings;
  /** URL for clients, such as wss://im.example.com. Default: from Ingress or Service. */
  readonly publicURL?: string;
  /** Requests and limits of the container. Default: by role. */
  readonly resources?: ResourceSettings;
  /** Additions to the pod template. */
  readonly podTemplate?: PodTemplateSettings;
}

/** The HTTP API. */
export interface OpenIMClusterApi {
  /** Number of pods. Default: 2. */
  readonly replicas?: number;
  /** Service for clients inside and, depending on type, outside the cluster. */
  readonly service?: ServiceSettings;
  /** Ingress for the Service. */
  readonly ingress?: IngressSettings;
  /** URL for clients. Default: from Ingress or Service. */
  readonly publicURL?: string;
  /** Requests and limits of the container. Default: by role. */
  readonly resources?: ResourceSettings;
  /** Additions to the pod template. */
  readonly podTemplate?: PodTemplateSettings;
}

/** An internal role. */
export interface WorkloadSettings {
  /** Number of pods. Default: 2. */
  readonly replicas?: number;
  /** Requests and limits of the container. Default: by role. */
  readonly resources?: ResourceSettings;
  /** Additions to the pod template. */
  readonly podTemplate?: PodTemplateSettings;
}

/** Offline notifications. */
export interface OpenIMClusterPush {
  /** Number of pods. Default: 2. */
  readonly replicas?: number;
  /** Requests and limits of the container. Default: by role. */
  readonly resources?: ResourceSettings;
  /** Additions to the pod template. */
  readonly podTemplate?: PodTemplateSettings;
  /** Provider; log only writes a log line. Default: none. */
  readonly provider?: 'none' | 'log';
  /** Offline notifications per user and minute. Takes effect without a restart. Default: 30. */
  readonly wakesPerUserPerMinute?: number;
  /** Burst of offline notifications per user. Takes effect without a restart. Default: 10. */
  readonly wakesPerUserBurst?: number;
}

/** Scheduled jobs; always one pod. */
export interface OpenIMClusterCron {
  /** Requests and limits of the container. Default: by role. */
  readonly resources?: ResourceSettings;
  /** Additions to the pod template. */
  readonly podTemplate?: PodTemplateSettings;
  /** Schedule (cron with five fields, UTC). Takes effect without a restart. Default: at night. */
  readonly messageExpiry?: string;
  /** Schedule (cron with five fields, UTC). Takes effect without a restart. Default: at night. */
  readonly objectExpiry?: string;
  /** Schedule of the removal of incomplete uploads (cron with five fields, UTC). Takes effect without a restart. Default: every hour. */
  readonly uploadExpiry?: string;
  /** Schedule (cron with five fields, UTC). Takes effect without a restart. Default: at night. */
  readonly tokenExpiry?: string;
  /** Schedule of the job that hides messages past the lifetime set by users (cron with five fields, UTC). Takes effect without a restart. Default: every hour. */
  readonly messageDestruct?: string;
  /** Days that objects of messages are kept; 0 is for ever. Takes effect without a restart. Default: 180. */
  readonly objectDays?: number;
  /** Groups (upload causes) of objects that expire after objectDays. Takes effect without a restart. Default: msg-picture, msg-file, msg-voice, msg-video, msg-video-snapshot, sdklog. */
  readonly objectGroups?: readonly string[];
}

/** The volume. */
export interface StorageSettings {
  /** Size, such as 20Gi. Default: by store. */
  readonly size?: string;
  /** StorageClass. Default: the cluster's default class. */
  readonly storageClassName?: string;
}

/** Managed by the operator. */
export interface OpenIMClusterNatsManaged {
  /** Nodes. Default: 1 (Development), 3 (Production). */
  readonly replicas?: number;
  /** Container image. Default: the running image; at first the vendor's image of the operator's version. */
  readonly image?: string;
  /** The volume. */
  readonly storage?: StorageSettings;
  /** Requests and limits of the container. Default: by role. */
  readonly resources?: ResourceSettings;
  /** Additions to the pod template. */
  readonly podTemplate?: PodTemplateSettings;
}

/** Secret of this namespace with the credentials. */
export interface CredentialsRef {
  /** Name of the Secret. */
  readonly name: string;
  /** Key of the user name or access key. Default: username. */
  readonly userKey?: string;
  /** Key of the password or secret key. Default: password. */
  readonly passwordKey?: string;
}

/** External; version 2.12 or later with JetStream. */
export interface OpenIMClusterNatsExternal {
  /** URLs of the servers. */
  readonly servers: readonly string[];
  /** Secret of this namespace with the credentials. */
  readonly credentialsSecretRef?: CredentialsRef;
  /** Copies of every stream. Default: 3. */
  readonly replicas?: 1 | 3 | 5;
  /** Maximum size of the message log in bytes; messages are refused from 90 %. Takes effect without a restart. Default: 4294967296. */
  readonly logMaxBytes?: number;
  /** Bytes of deliveries kept in memory. Takes effect without a restart. Default: 268435456. */
  readonly seqMaxBytes?: number;
}

/** NATS with JetStream, which holds the message log. */
export interface OpenIMClusterNats {
  /** Maximum share of the message log that one tenant may use once the log is 70 % full; more messages are refused with a retryable error. No effect with a single tenant. Takes effect without a restart. Default: 0.25. */
  readonly tenantLogShare?: number;
  /** Managed by the operator. */
  readonly managed?: OpenIMClusterNatsManaged;
  /** External; version 2.12 or later with JetStream. */
  readonly external?: OpenIMClusterNatsExternal;
}

/** Managed by the operator, as a replica set of one member. */
export interface OpenIMClusterMongodbManaged {
  /** Container image. Default: the running image; at first the vendor's image of the operator's version. */
  readonly image?: string;
  /** The volume. */
  readonly storage?: StorageSettings;
  /** Requests and limits of the container. Default: by role. */
  readonly resources?: ResourceSettings;
  /** Additions to the pod template. */
  readonly podTemplate?: PodTemplateSettings;
}

/** Secret of this namespace with the connection string. */
export interface UriRef {
  /** Name of the Secret. */
  readonly name: string;
  /** Key in it. Default: uri. */
  readonly key?: string;
}

/** External; a replica set or a sharded cluster. */
export interface OpenIMClusterMongodbExternal {
  /** Secret of this namespace with the connection string. */
  readonly uriSecretRef: UriRef;
}

/** MongoDB, the source of truth. */
export interface OpenIMClusterMongodb {
  /** Managed by the operator, as a replica set of one member. */
  readonly managed?: OpenIMClusterMongodbManaged;
  /** External; a replica set or a sharded cluster. */
  readonly external?: OpenIMClusterMongodbExternal;
  /** Database. Cannot change. Default: openim. */
  readonly database?: string;
}

/** Managed by the operator. */
export interface OpenIMClusterRedisManaged {
  /** Container image. Default: the running image; at first the vendor's image of the operator's version. */
  readonly image?: string;
  /** The volume. */
  readonly storage?: StorageSettings;
  /** Requests and limits of the container. Default: by role. */
  readonly resources?: ResourceSettings;
  /** Additions to the pod template. */
  readonly podTemplate?: PodTemplateSettings;
}

/** External. */
export interface OpenIMClusterRedisExternal {
  /** Secret of this namespace with the connection string. */
  readonly uriSecretRef: UriRef;
}

/** Redis 7 or Valkey, for caches, presence and limits. */
export interface OpenIMClusterRedis {
  /** Managed by the operator. */
  readonly managed?: OpenIMClusterRedisManaged;
  /** External. */
  readonly external?: OpenIMClusterRedisExternal;
}

/** SeaweedFS, managed by the operator. */
export interface OpenIMClusterObjectStorageManaged {
  /** Container image. Default: the running image; at first the vendor's image of the operator's version. */
  readonly image?: string;
  /** The volume. */
  readonly storage?: StorageSettings;
  /** Requests and limits of the container. Default: by role. */
  readonly resources?: ResourceSettings;
  /** Additions to the pod template. */
  readonly podTemplate?: PodTemplateSettings;
  /** Service for clients inside and, depending on type, outside the cluster. */
  readonly service?: ServiceSettings;
}

/** External. */
export interface OpenIMClusterObjectStorageExternal {
  /** URL for the services. */
  readonly endpoint: string;
  /** Region. Default: us-east-1. */
  readonly region?: string;
  /** Secret of this namespace with the credentials. */
  readonly credentialsSecretRef: CredentialsRef;
}

/** S3-compatible storage of pictures, voice messages and files. */
export interface OpenIMClusterObjectStorage {
  /** SeaweedFS, managed by the operator. */
  readonly managed?: OpenIMClusterObjectStorageManaged;
  /** External. */
  readonly external?: OpenIMClusterObjectStorageExternal;
  /** Bucket, created when missing. Default: openim. */
  readonly bucket?: string;
  /** URL for clients. Default: from the Service, or the endpoint. */
  readonly publicURL?: string;
}

/** Messages of one user, per rpc pod. */
export interface OpenIMClusterLimitsUserMessages {
  /** Messages per second; 0 is no limit. Takes effect without a restart. Default: 100. */
  readonly perSecond?: number;
  /** Burst of messages. Takes effect without a restart. Default: 2000. */
  readonly burst?: number;
}

/** Bytes of messages of one user, per rpc pod. */
export interface OpenIMClusterLimitsUserBytes {
  /** Bytes of messages per second; 0 is no limit. Takes effect without a restart. Default: 1048576. */
  readonly perSecond?: number;
  /** Burst of bytes of messages. Takes effect without a restart. Default: 16777216. */
  readonly burst?: number;
}

/** HTTP requests of one user that modify data (read receipts, revocations, applications, groups, friends, profiles, settings), per api pod. */
export interface OpenIMClusterLimitsUserChanges {
  /** Such requests per second; 0 is no limit. Takes effect without a restart. Default: 20. */
  readonly perSecond?: number;
  /** Burst of such requests. Takes effect without a restart. Default: 500. */
  readonly burst?: number;
}

/** New nicknames and pictures of one user, of which all friends and groups are notified, and `ex` in all conversations with them, per rpc pod. */
export interface OpenIMClusterLimitsProfileChanges {
  /** Changes per minute; 0 is no limit. Takes effect without a restart. Default: 5. */
  readonly perMinute?: number;
  /** Burst of changes. Takes effect without a restart. Default: 10. */
  readonly burst?: number;
}

/** Messages of one user that mention all members of one group, per rpc pod; more are not sent. */
export interface OpenIMClusterLimitsMentionAll {
  /** Such messages per minute and group; 0 is no limit. Takes effect without a restart. Default: 10. */
  readonly perMinute?: number;
  /** Burst of such messages. Takes effect without a restart. Default: 10. */
  readonly burst?: number;
}

/** Limits of one user, unless spec.userLimits of their OpenIMTenant overrides them; more is refused with a retryable error (429) that names the limit. Administrators are not limited. Needs a version of the service that knows these limits; for an older one they are left out, as condition Accepted reports. */
export interface OpenIMClusterLimits {
  /** Messages of one user, per rpc pod. */
  readonly userMessages?: OpenIMClusterLimitsUserMessages;
  /** Bytes of messages of one user, per rpc pod. */
  readonly userBytes?: OpenIMClusterLimitsUserBytes;
  /** HTTP requests of one user that modify data (read receipts, revocations, applications, groups, friends, profiles, settings), per api pod. */
  readonly userChanges?: OpenIMClusterLimitsUserChanges;
  /** New nicknames and pictures of one user, of which all friends and groups are notified, and `ex` in all conversations with them, per rpc pod. */
  readonly profileChanges?: OpenIMClusterLimitsProfileChanges;
  /** Messages of one user that mention all members of one group, per rpc pod; more are not sent. */
  readonly mentionAll?: OpenIMClusterLimitsMentionAll;
  /** Commands (/user/process_user_command_*) that one user may keep; further ones get 1001 until some are deleted. Takes effect without a restart. Default: 10000. */
  readonly userCommands?: number;
}

/** Failed requests for an admin token, per tenant, address and pod; more are refused with 429. */
export interface OpenIMClusterAttemptsLogins {
  /** Failures per second; 0 is no limit. Takes effect without a restart. Default: 1. */
  readonly ratePerSecond?: number;
  /** Burst of failures. Takes effect without a restart. Default: 60. */
  readonly burst?: number;
}

/** Invalid tokens at api and gateway, per tenant, address and pod; more are refused with 429 or 1601. */
export interface OpenIMClusterAttemptsTokens {
  /** Failures per second; 0 is no limit. Takes effect without a restart. Default: 20. */
  readonly ratePerSecond?: number;
  /** Burst of failures. Takes effect without a restart. Default: 500. */
  readonly burst?: number;
}

/** Limits of failed authentication attempts per address; successful ones do not count. Needs a version of the service that knows these limits; for an older one they are left out, as condition Accepted reports. */
export interface OpenIMClusterAttempts {
  /** Proxies in front of api and gateway that append to X-Forwarded-For, such as an Ingress controller. The header is trusted only on connections from private addresses; 0 always uses the address of the connection. Takes effect without a restart. Default: 1. */
  readonly trustedProxies?: number;
  /** Failed requests for an admin token, per tenant, address and pod; more are refused with 429. */
  readonly logins?: OpenIMClusterAttemptsLogins;
  /** Invalid tokens at api and gateway, per tenant, address and pod; more are refused with 429 or 1601. */
  readonly tokens?: OpenIMClusterAttemptsTokens;
}

/** NetworkPolicies that admit only components of this cluster and the operator to internal ports. */
export interface OpenIMClusterNetworkPolicy {
  /** Whether they are created. Default: true. */
  readonly enabled?: boolean;
  /** Namespaces from which metrics may be scraped. */
  readonly monitoringNamespaces?: readonly string[];
}

/** Wanted state. All fields are optional; status.effective has the effective values. */
export interface OpenIMClusterSpec {
  /** Set of defaults. Development: small, one replica where that is safe enough, NATS with one node. Production: two replicas of every role except cron, three NATS nodes, external MongoDB. Default: Development. */
  readonly profile?: 'Development' | 'Production';
  /** Version of the service; a change is an upgrade. Default: the running version, so that a new operator restarts nothing; at first the operator's. */
  readonly version?: string;
  /** Container image of every role, with a tag or a digest. Default: that of the version. */
  readonly image?: string;
  /** Image pull policy. Default: IfNotPresent. */
  readonly imagePullPolicy?: 'Always' | 'IfNotPresent' | 'Never';
  /** Secrets for pulling images. */
  readonly imagePullSecrets?: readonly LocalRef[];
  /** Minimum level of log lines. Takes effect without a restart. Default: info. */
  readonly logLevel?: 'debug' | 'info' | 'warn' | 'error';
  /** What happens to volumes and generated credentials when the cluster is deleted. Default: Retain. */
  readonly deletionPolicy?: 'Retain' | 'Purge';
  /** Durability of acknowledged messages in a managed log. FsyncQuorum: synced to the disks of a quorum of three; Quorum: written by a quorum of three, synced periodically; Memory: in the memory of one node. Default: synced to the disk of one node (Development), FsyncQuorum (Production). */
  readonly durability?: 'FsyncQuorum' | 'Quorum' | 'Memory';
  /** The WebSocket gateways that clients connect to. */
  readonly gateway?: OpenIMClusterGateway;
  /** The HTTP API. */
  readonly api?: OpenIMClusterApi;
  /** An internal role. */
  readonly rpc?: WorkloadSettings;
  /** An internal role. */
  readonly transfer?: WorkloadSettings;
  /** Offline notifications. */
  readonly push?: OpenIMClusterPush;
  /** Scheduled jobs; always one pod. */
  readonly cron?: OpenIMClusterCron;
  /** NATS with JetStream, which holds the message log. */
  readonly nats?: OpenIMClusterNats;
  /** MongoDB, the source of truth. */
  readonly mongodb?: OpenIMClusterMongodb;
  /** Redis 7 or Valkey, for caches, presence and limits. */
  readonly redis?: OpenIMClusterRedis;
  /** S3-compatible storage of pictures, voice messages and files. */
  readonly objectStorage?: OpenIMClusterObjectStorage;
  /** Limits of one user, unless spec.userLimits of their OpenIMTenant overrides them; more is refused with a retryable error (429) that names the limit. Administrators are not limited. Needs a version of the service that knows these limits; for an older one they are left out, as condition Accepted reports. */
  readonly limits?: OpenIMClusterLimits;
  /** Limits of failed authentication attempts per address; successful ones do not count. Needs a version of the service that knows these limits; for an older one they are left out, as condition Accepted reports. */
  readonly attempts?: OpenIMClusterAttempts;
  /** NetworkPolicies that admit only components of this cluster and the operator to internal ports. */
  readonly networkPolicy?: OpenIMClusterNetworkPolicy;
}

export interface OpenIMClusterStatusCondition {
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

export interface OpenIMClusterStatusGateway {
  /** Name of the pod. */
  readonly pod: string;
  /** Hash of its pod template. */
  readonly revision: string;
  /** Whether it accepts connections. */
  readonly ready: boolean;
  /** Client connections. */
  readonly connections?: number;
  /** Whether its connections are being drained. */
  readonly draining?: boolean;
  /** Remaining connections. */
  readonly drainRemaining?: number;
  /** Estimated seconds until the drain is complete. */
  readonly drainEtaSeconds?: number;
  /** Why it is not ready or is being drained. */
  readonly reason?: string;
}

export interface OpenIMClusterStatusComponent {
  /** gateway, api, rpc, transfer, push, cron, nats, mongodb, redis, objectStorage. */
  readonly name: string;
  /** Ready pods. */
  readonly ready: number;
  /** Desired pods. */
  readonly desired: number;
  /** Pods with the current template. */
  readonly updated?: number;
  /** Version of the image. */
  readonly version?: string;
  /** Whether the store is external. */
  readonly external?: boolean;
  /** Why it is not ready. */
  readonly reason?: string;
}

/** The message log. */
export interface OpenIMClusterStatusLog {
  /** Accepted messages that are not stored yet. */
  readonly lagRecords?: number;
  /** Size in bytes. */
  readonly bytes?: number;
  /** Maximum size in bytes; messages are refused from 90 %. */
  readonly maxBytes?: number;
  /** Tenants whose messages wait because they cannot be stored. */
  readonly parkedTenants?: number;
  /** Conversations whose messages wait because the database contradicts the log. */
  readonly parkedConversations?: number;
}

/** Secret with adminUser and adminSecret of the default tenant. */
export interface OpenIMClusterStatusEndpointsAdminSecretRef {
  /** Name of the Secret. */
  readonly name?: string;
}

/** Addresses for clients and administrators. */
export interface OpenIMClusterStatusEndpoints {
  /** Base URL of the HTTP API. */
  readonly api?: string;
  /** Base URL of the gateway. */
  readonly webSocket?: string;
  /** Base URL of objects. */
  readonly objectStorage?: string;
  /** Secret with adminUser and adminSecret of the default tenant. */
  readonly adminSecretRef?: OpenIMClusterStatusEndpointsAdminSecretRef;
}

/** The current or last rollout. */
export interface OpenIMClusterStatusRollout {
  /** Stage in progress; empty when complete. */
  readonly stage?: string;
  /** Start time. */
  readonly startedAt?: string;
  /** What it waits for. */
  readonly message?: string;
}

/** Observed state, at most five seconds old. */
export interface OpenIMClusterStatus {
  /** Generation of the spec that this status refers to. */
  readonly observedGeneration?: number;
  /** Ready, Accepted, NATSAvailable, MongoDBAvailable, RedisAvailable, ObjectStorageAvailable, WorkloadsAvailable, MessagesFlowing, Progressing. */
  readonly conditions?: readonly OpenIMClusterStatusCondition[];
  /** Version of all pods; during a rollout the older one. */
  readonly version?: string;
  /** Client connections of all gateways. */
  readonly connections?: number;
  /** Gateway pods of the current revision. */
  readonly gatewayReplicas?: number;
  /** Ready and desired gateways. */
  readonly gatewaysReady?: string;
  /** Selector of gateway pods. */
  readonly gatewaySelector?: string;
  /** Hash of the gateways' pod template. */
  readonly gatewayRevision?: string;
  /** All gateway pods. */
  readonly gateways?: readonly OpenIMClusterStatusGateway[];
  /** All components of the cluster. */
  readonly components?: readonly OpenIMClusterStatusComponent[];
  /** The message log. */
  readonly log?: OpenIMClusterStatusLog;
  /** Addresses for clients and administrators. */
  readonly endpoints?: OpenIMClusterStatusEndpoints;
  /** The current or last rollout. */
  readonly rollout?: OpenIMClusterStatusRollout;
  /** The effective spec, with all defaults. */
  readonly effective?: Readonly<Record<string, unknown>>;
}
