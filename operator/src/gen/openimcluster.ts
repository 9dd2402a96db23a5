// Made from crds/openimclusters.openim.io.yaml by operator/scripts/crd-types.ts.

/** Reference to a Secret of this namespace. */
export interface LocalRef {
  /** Name of a Secret of this namespace. */
  readonly name: string;
}

/** What one connection, and in bytes one user, may ask; above that it is answered more slowly, and not closed. */
export interface OpenIMClusterGatewayRequests {
  /** Frames per second and connection, pings included; 0 is no limit. Takes effect without a restart. Default: 200. */
  readonly ratePerSecond?: number;
  /** Frames at once. Takes effect without a restart. Default: 2000. */
  readonly burst?: number;
  /** Bytes per second and user of requests above 16 KiB, after gunzip and over all connections; 0 is no limit. Takes effect without a restart. Default: 2097152. */
  readonly bytesPerSecond?: number;
  /** Such bytes at once. Takes effect without a restart. Default: 8388608. */
  readonly byteBurst?: number;
}

/** New connections with one token, so that a client that connects in a loop does not use up what is admitted of all. */
export interface OpenIMClusterGatewayHandshakesPerLogin {
  /** New connections per second with one token; 0 is no limit. Takes effect without a restart. Default: 5. */
  readonly ratePerSecond?: number;
  /** New connections at once with one token. Takes effect without a restart. Default: 100. */
  readonly burst?: number;
}

/** Admission of new connections at each gateway, before any backend is asked. */
export interface OpenIMClusterGatewayHandshakes {
  /** New connections per second; 0 is no limit. Takes effect without a restart. Default: 500. */
  readonly ratePerSecond?: number;
  /** New connections at once. Takes effect without a restart. Default: 1000. */
  readonly burst?: number;
  /** New connections with one token, so that a client that connects in a loop does not use up what is admitted of all. */
  readonly perLogin?: OpenIMClusterGatewayHandshakesPerLogin;
}

/** How connections are moved away before a pod goes. */
export interface OpenIMClusterGatewayDrain {
  /** Most time that a drain takes; then what is left is closed. A change makes new gateways, as it decides how long a pod may take to end. Default: 600. */
  readonly deadlineSeconds?: number;
  /** Most connections closed per second and pod. Takes effect without a restart. Default: 500. */
  readonly maxPerSecond?: number;
}

/** How clients reach it inside and, by type, outside the cluster. */
export interface ServiceSettings {
  /** Type of the Service. Default: ClusterIP. */
  readonly type?: 'ClusterIP' | 'NodePort' | 'LoadBalancer';
  /** Port of the Service. Default: 10001 (gateway), 10002 (api), 8333 (object storage). */
  readonly port?: number;
  /** Port on every node; the cluster picks one when absent. */
  readonly nodePort?: number;
  /** Annotations for whoever provides load balancers. */
  readonly annotations?: Readonly<Record<string, string>>;
}

/** An Ingress to the Service. */
export interface IngressSettings {
  /** Host name of clients' URLs. */
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

/** Additions to the pods. */
export interface PodTemplateSettings {
  /** Further labels. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Further annotations. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** Labels that a node must have. */
  readonly nodeSelector?: Readonly<Record<string, string>>;
  /** PriorityClass. */
  readonly priorityClassName?: string;
  /** ServiceAccount. Default: one without rights, made by the operator. */
  readonly serviceAccountName?: string;
  /** Taints that are tolerated. */
  readonly tolerations?: readonly Readonly<Record<string, unknown>>[];
  /** Affinity. Default: pods of a role prefer different nodes. */
  readonly affinity?: Readonly<Record<string, unknown>>;
  /** Spread over zones and nodes. */
  readonly topologySpreadConstraints?: readonly Readonly<Record<string, unknown>>[];
  /** Further environment variables of the container. */
  readonly env?: readonly EnvVar[];
}

/** The WebSocket gateways that clients connect to. */
export interface OpenIMClusterGateway {
  /** Number of pods. Default: 2. */
  readonly replicas?: number;
  /** Most connections of one pod; more are refused with a retryable error. Takes effect without a restart. Default: 100000. */
  readonly maxConnectionsPerPod?: number;
  /** Most connections of one user at one gateway pod; one more closes the oldest in the background, else the oldest. Takes effect without a restart. Default: 50. */
  readonly maxConnectionsPerUser?: number;
  /** What one connection, and in bytes one user, may ask; above that it is answered more slowly, and not closed. */
  readonly requests?: OpenIMClusterGatewayRequests;
  /** Admission of new connections at each gateway, before any backend is asked. */
  readonly handshakes?: OpenIMClusterGatewayHandshakes;
  /** How connections are moved away before a pod goes. */
  readonly drain?: OpenIMClusterGatewayDrain;
  /** How clients reach it inside and, by type, outside the cluster. */
  readonly service?: ServiceSettings;
  /** An Ingress to the Service. */
  readonly ingress?: IngressSettings;
  /** URL that is told to clients, such as wss://im.example.com. Default: from Ingress or Service. */
  readonly publicURL?: string;
  /** Requests and limits of the container. Default: by role. */
  readonly resources?: ResourceSettings;
  /** Additions to the pods. */
  readonly podTemplate?: PodTemplateSettings;
}

/** The HTTP API. */
export interface OpenIMClusterApi {
  /** Number of pods. Default: 2. */
  readonly replicas?: number;
  /** How clients reach it inside and, by type, outside the cluster. */
  readonly service?: ServiceSettings;
  /** An Ingress to the Service. */
  readonly ingress?: IngressSettings;
  /** URL that is told to clients. Default: from Ingress or Service. */
  readonly publicURL?: string;
  /** Requests and limits of the container. Default: by role. */
  readonly resources?: ResourceSettings;
  /** Additions to the pods. */
  readonly podTemplate?: PodTemplateSettings;
}

/** One of the inner roles. */
export interface WorkloadSettings {
  /** Number of pods. Default: 2. */
  readonly replicas?: number;
  /** Requests and limits of the container. Default: by role. */
  readonly resources?: ResourceSettings;
  /** Additions to the pods. */
  readonly podTemplate?: PodTemplateSettings;
}

/** Offline notifications. */
export interface OpenIMClusterPush {
  /** Number of pods. Default: 2. */
  readonly replicas?: number;
  /** Requests and limits of the container. Default: by role. */
  readonly resources?: ResourceSettings;
  /** Additions to the pods. */
  readonly podTemplate?: PodTemplateSettings;
  /** Who delivers them; log only writes a line. Default: none. */
  readonly provider?: 'none' | 'log';
  /** Offline notifications per user and minute. Takes effect without a restart. Default: 30. */
  readonly wakesPerUserPerMinute?: number;
  /** Offline notifications of one user at once. Takes effect without a restart. Default: 10. */
  readonly wakesPerUserBurst?: number;
}

/** Work by the clock; always one pod. */
export interface OpenIMClusterCron {
  /** Requests and limits of the container. Default: by role. */
  readonly resources?: ResourceSettings;
  /** Additions to the pods. */
  readonly podTemplate?: PodTemplateSettings;
  /** When it runs (cron with five fields, UTC). Takes effect without a restart. Default: at night. */
  readonly messageExpiry?: string;
  /** When it runs (cron with five fields, UTC). Takes effect without a restart. Default: at night. */
  readonly objectExpiry?: string;
  /** When uploads that were never completed are removed (cron with five fields, UTC). Takes effect without a restart. Default: every hour. */
  readonly uploadExpiry?: string;
  /** When it runs (cron with five fields, UTC). Takes effect without a restart. Default: at night. */
  readonly tokenExpiry?: string;
  /** When messages past the lifetime that users set are hidden (cron with five fields, UTC). Takes effect without a restart. Default: every hour. */
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

/** Run by the operator. */
export interface OpenIMClusterNatsManaged {
  /** Nodes. Default: 1 (Development), 3 (Production). */
  readonly replicas?: number;
  /** Container image. Default: what runs already; at first the vendor's, by the operator's version. */
  readonly image?: string;
  /** The volume. */
  readonly storage?: StorageSettings;
  /** Requests and limits of the container. Default: by role. */
  readonly resources?: ResourceSettings;
  /** Additions to the pods. */
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

/** Run by somebody else; version 2.12 or later with JetStream. */
export interface OpenIMClusterNatsExternal {
  /** URLs of the servers. */
  readonly servers: readonly string[];
  /** Secret of this namespace with the credentials. */
  readonly credentialsSecretRef?: CredentialsRef;
  /** Copies of every stream. Default: 3. */
  readonly replicas?: 1 | 3 | 5;
  /** Bytes that the message log may hold; messages are refused from 90 %. Takes effect without a restart. Default: 4294967296. */
  readonly logMaxBytes?: number;
  /** Bytes of deliveries kept in memory. Takes effect without a restart. Default: 268435456. */
  readonly seqMaxBytes?: number;
}

/** NATS with JetStream, which holds the message log. */
export interface OpenIMClusterNats {
  /** Most of the message log that messages of one tenant may fill once the log is 70 % full, as a part of its size; more are refused with a retryable error. Without effect where there is one tenant. Takes effect without a restart. Default: 0.25. */
  readonly tenantLogShare?: number;
  /** Run by the operator. */
  readonly managed?: OpenIMClusterNatsManaged;
  /** Run by somebody else; version 2.12 or later with JetStream. */
  readonly external?: OpenIMClusterNatsExternal;
}

/** Run by the operator, as a replica set of one member. */
export interface OpenIMClusterMongodbManaged {
  /** Container image. Default: what runs already; at first the vendor's, by the operator's version. */
  readonly image?: string;
  /** The volume. */
  readonly storage?: StorageSettings;
  /** Requests and limits of the container. Default: by role. */
  readonly resources?: ResourceSettings;
  /** Additions to the pods. */
  readonly podTemplate?: PodTemplateSettings;
}

/** Secret of this namespace with the connection string. */
export interface UriRef {
  /** Name of the Secret. */
  readonly name: string;
  /** Key in it. Default: uri. */
  readonly key?: string;
}

/** Run by somebody else; a replica set or a sharded cluster. */
export interface OpenIMClusterMongodbExternal {
  /** Secret of this namespace with the connection string. */
  readonly uriSecretRef: UriRef;
}

/** MongoDB, which holds the truth. */
export interface OpenIMClusterMongodb {
  /** Run by the operator, as a replica set of one member. */
  readonly managed?: OpenIMClusterMongodbManaged;
  /** Run by somebody else; a replica set or a sharded cluster. */
  readonly external?: OpenIMClusterMongodbExternal;
  /** Database. Cannot change. Default: openim. */
  readonly database?: string;
}

/** Run by the operator. */
export interface OpenIMClusterRedisManaged {
  /** Container image. Default: what runs already; at first the vendor's, by the operator's version. */
  readonly image?: string;
  /** The volume. */
  readonly storage?: StorageSettings;
  /** Requests and limits of the container. Default: by role. */
  readonly resources?: ResourceSettings;
  /** Additions to the pods. */
  readonly podTemplate?: PodTemplateSettings;
}

/** Run by somebody else. */
export interface OpenIMClusterRedisExternal {
  /** Secret of this namespace with the connection string. */
  readonly uriSecretRef: UriRef;
}

/** Redis 7 or Valkey, which holds copies, presence and limits. */
export interface OpenIMClusterRedis {
  /** Run by the operator. */
  readonly managed?: OpenIMClusterRedisManaged;
  /** Run by somebody else. */
  readonly external?: OpenIMClusterRedisExternal;
}

/** SeaweedFS, run by the operator. */
export interface OpenIMClusterObjectStorageManaged {
  /** Container image. Default: what runs already; at first the vendor's, by the operator's version. */
  readonly image?: string;
  /** The volume. */
  readonly storage?: StorageSettings;
  /** Requests and limits of the container. Default: by role. */
  readonly resources?: ResourceSettings;
  /** Additions to the pods. */
  readonly podTemplate?: PodTemplateSettings;
  /** How clients reach it inside and, by type, outside the cluster. */
  readonly service?: ServiceSettings;
}

/** Run by somebody else. */
export interface OpenIMClusterObjectStorageExternal {
  /** URL by which the services reach it. */
  readonly endpoint: string;
  /** Region. Default: us-east-1. */
  readonly region?: string;
  /** Secret of this namespace with the credentials. */
  readonly credentialsSecretRef: CredentialsRef;
}

/** S3-compatible storage of pictures, voices and files. */
export interface OpenIMClusterObjectStorage {
  /** SeaweedFS, run by the operator. */
  readonly managed?: OpenIMClusterObjectStorageManaged;
  /** Run by somebody else. */
  readonly external?: OpenIMClusterObjectStorageExternal;
  /** Bucket, made when it is missing. Default: openim. */
  readonly bucket?: string;
  /** URL by which clients reach it. Default: from the Service, or the endpoint. */
  readonly publicURL?: string;
}

/** Messages of one user, per rpc pod. */
export interface OpenIMClusterLimitsUserMessages {
  /** Messages per second; 0 is no limit. Takes effect without a restart. Default: 100. */
  readonly perSecond?: number;
  /** Messages at once. Takes effect without a restart. Default: 2000. */
  readonly burst?: number;
}

/** Bytes of messages of one user, per rpc pod. */
export interface OpenIMClusterLimitsUserBytes {
  /** Bytes of messages per second; 0 is no limit. Takes effect without a restart. Default: 1048576. */
  readonly perSecond?: number;
  /** Bytes of messages at once. Takes effect without a restart. Default: 16777216. */
  readonly burst?: number;
}

/** HTTP requests of one user that change something (read receipts, revocations, applications, groups, friends, profiles, settings), per api pod. */
export interface OpenIMClusterLimitsUserChanges {
  /** Such requests per second; 0 is no limit. Takes effect without a restart. Default: 20. */
  readonly perSecond?: number;
  /** Such requests at once. Takes effect without a restart. Default: 500. */
  readonly burst?: number;
}

/** New nicknames and pictures of one user, of which all friends and groups hear, and `ex` in all conversations with them, per rpc pod. */
export interface OpenIMClusterLimitsProfileChanges {
  /** Changes per minute; 0 is no limit. Takes effect without a restart. Default: 5. */
  readonly perMinute?: number;
  /** Changes at once. Takes effect without a restart. Default: 10. */
  readonly burst?: number;
}

/** Messages of one user that mention everybody in one group, per rpc pod; more are not sent. */
export interface OpenIMClusterLimitsMentionAll {
  /** Such messages per minute and group; 0 is no limit. Takes effect without a restart. Default: 10. */
  readonly perMinute?: number;
  /** Such messages at once. Takes effect without a restart. Default: 10. */
  readonly burst?: number;
}

/** What one user may do, unless spec.userLimits of their OpenIMTenant says otherwise; more is refused with a retryable error (429) that names the limit. Administrators are not limited. Needs a version of the service that knows these limits; an older one is left without them, as condition Accepted tells. */
export interface OpenIMClusterLimits {
  /** Messages of one user, per rpc pod. */
  readonly userMessages?: OpenIMClusterLimitsUserMessages;
  /** Bytes of messages of one user, per rpc pod. */
  readonly userBytes?: OpenIMClusterLimitsUserBytes;
  /** HTTP requests of one user that change something (read receipts, revocations, applications, groups, friends, profiles, settings), per api pod. */
  readonly userChanges?: OpenIMClusterLimitsUserChanges;
  /** New nicknames and pictures of one user, of which all friends and groups hear, and `ex` in all conversations with them, per rpc pod. */
  readonly profileChanges?: OpenIMClusterLimitsProfileChanges;
  /** Messages of one user that mention everybody in one group, per rpc pod; more are not sent. */
  readonly mentionAll?: OpenIMClusterLimitsMentionAll;
  /** Commands (/user/process_user_command_*) that one user may keep; further ones get 1001 until some are deleted. Takes effect without a restart. Default: 10000. */
  readonly userCommands?: number;
}

/** Failed requests for an admin token, per tenant, address and pod; more are refused with 429. */
export interface OpenIMClusterAttemptsLogins {
  /** Failures per second; 0 is no limit. Takes effect without a restart. Default: 1. */
  readonly ratePerSecond?: number;
  /** Failures at once. Takes effect without a restart. Default: 60. */
  readonly burst?: number;
}

/** Tokens that do not pass at api and gateway, per tenant, address and pod; more are refused with 429 or 1601. */
export interface OpenIMClusterAttemptsTokens {
  /** Failures per second; 0 is no limit. Takes effect without a restart. Default: 20. */
  readonly ratePerSecond?: number;
  /** Failures at once. Takes effect without a restart. Default: 500. */
  readonly burst?: number;
}

/** How often an address may fail to prove who it is; what succeeds does not count. Needs a version of the service that knows these limits; an older one is left without them, as condition Accepted tells. */
export interface OpenIMClusterAttempts {
  /** Proxies in front of api and gateway that append to X-Forwarded-For, such as an Ingress controller. It is believed only on connections from private addresses; 0 always takes the address of the connection. Takes effect without a restart. Default: 1. */
  readonly trustedProxies?: number;
  /** Failed requests for an admin token, per tenant, address and pod; more are refused with 429. */
  readonly logins?: OpenIMClusterAttemptsLogins;
  /** Tokens that do not pass at api and gateway, per tenant, address and pod; more are refused with 429 or 1601. */
  readonly tokens?: OpenIMClusterAttemptsTokens;
}

/** NetworkPolicies that let only the parts of this cluster, and the operator, reach what is internal. */
export interface OpenIMClusterNetworkPolicy {
  /** Whether they are made. Default: true. */
  readonly enabled?: boolean;
  /** Namespaces from which metrics may be scraped. */
  readonly monitoringNamespaces?: readonly string[];
}

/** What the cluster should be. Everything is optional; what is in force is told in status.effective. */
export interface OpenIMClusterSpec {
  /** Which values absent fields get. Development: small, one replica where that is safe enough, NATS with one node. Production: two of everything, PodDisruptionBudgets that keep one, three NATS nodes, external MongoDB. Default: Development. */
  readonly profile?: 'Development' | 'Production';
  /** Version of the service; another one is an upgrade. Default: what runs already, so that a new operator restarts nothing; at first the operator's own. */
  readonly version?: string;
  /** Container image of every role, with a tag or a digest. Default: that of the version. */
  readonly image?: string;
  /** When nodes pull images. Default: IfNotPresent. */
  readonly imagePullPolicy?: 'Always' | 'IfNotPresent' | 'Never';
  /** Secrets with which nodes pull images. */
  readonly imagePullSecrets?: readonly LocalRef[];
  /** Least level of log lines. Takes effect without a restart. Default: info. */
  readonly logLevel?: 'debug' | 'info' | 'warn' | 'error';
  /** What becomes of volumes and generated credentials when the cluster is deleted. Default: Retain. */
  readonly deletionPolicy?: 'Retain' | 'Purge';
  /** What an acknowledgement of a managed log is worth. FsyncQuorum: on the disks of a quorum of three; Quorum: in a quorum of three, synced by interval; Memory: in memory of one. Default: on the disk of one (Development), FsyncQuorum (Production). */
  readonly durability?: 'FsyncQuorum' | 'Quorum' | 'Memory';
  /** The WebSocket gateways that clients connect to. */
  readonly gateway?: OpenIMClusterGateway;
  /** The HTTP API. */
  readonly api?: OpenIMClusterApi;
  /** One of the inner roles. */
  readonly rpc?: WorkloadSettings;
  /** One of the inner roles. */
  readonly transfer?: WorkloadSettings;
  /** Offline notifications. */
  readonly push?: OpenIMClusterPush;
  /** Work by the clock; always one pod. */
  readonly cron?: OpenIMClusterCron;
  /** NATS with JetStream, which holds the message log. */
  readonly nats?: OpenIMClusterNats;
  /** MongoDB, which holds the truth. */
  readonly mongodb?: OpenIMClusterMongodb;
  /** Redis 7 or Valkey, which holds copies, presence and limits. */
  readonly redis?: OpenIMClusterRedis;
  /** S3-compatible storage of pictures, voices and files. */
  readonly objectStorage?: OpenIMClusterObjectStorage;
  /** What one user may do, unless spec.userLimits of their OpenIMTenant says otherwise; more is refused with a retryable error (429) that names the limit. Administrators are not limited. Needs a version of the service that knows these limits; an older one is left without them, as condition Accepted tells. */
  readonly limits?: OpenIMClusterLimits;
  /** How often an address may fail to prove who it is; what succeeds does not count. Needs a version of the service that knows these limits; an older one is left without them, as condition Accepted tells. */
  readonly attempts?: OpenIMClusterAttempts;
  /** NetworkPolicies that let only the parts of this cluster, and the operator, reach what is internal. */
  readonly networkPolicy?: OpenIMClusterNetworkPolicy;
}

export interface OpenIMClusterStatusCondition {
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

export interface OpenIMClusterStatusGateway {
  /** Name of the pod. */
  readonly pod: string;
  /** Hash of its pod template. */
  readonly revision: string;
  /** Whether it takes connections. */
  readonly ready: boolean;
  /** Client connections. */
  readonly connections?: number;
  /** Whether its connections are being moved away. */
  readonly draining?: boolean;
  /** Connections that are left to move. */
  readonly drainRemaining?: number;
  /** Seconds until none is left. */
  readonly drainEtaSeconds?: number;
  /** Why it is not ready or is drained. */
  readonly reason?: string;
}

export interface OpenIMClusterStatusComponent {
  /** gateway, api, rpc, transfer, push, cron, nats, mongodb, redis, objectStorage. */
  readonly name: string;
  /** Pods that are ready. */
  readonly ready: number;
  /** Pods that are wanted. */
  readonly desired: number;
  /** Pods of the wanted template. */
  readonly updated?: number;
  /** Version of the image. */
  readonly version?: string;
  /** Whether somebody else runs it. */
  readonly external?: boolean;
  /** What is wrong with it. */
  readonly reason?: string;
}

/** The message log. */
export interface OpenIMClusterStatusLog {
  /** Messages accepted and not stored yet. */
  readonly lagRecords?: number;
  /** Bytes that it holds. */
  readonly bytes?: number;
  /** Bytes that it may hold; sends are refused from 90 %. */
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

/** Where clients and administrators begin. */
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

/** The roll-out under way, or the last one. */
export interface OpenIMClusterStatusRollout {
  /** Part that is being changed now; empty when done. */
  readonly stage?: string;
  /** When it began. */
  readonly startedAt?: string;
  /** What it waits for and until when. */
  readonly message?: string;
}

/** What the operator saw last; true within five seconds. */
export interface OpenIMClusterStatus {
  /** Generation of spec that the rest of status is about. */
  readonly observedGeneration?: number;
  /** Ready, Accepted, NATSAvailable, MongoDBAvailable, RedisAvailable, ObjectStorageAvailable, WorkloadsAvailable, MessagesFlowing, Progressing. */
  readonly conditions?: readonly OpenIMClusterStatusCondition[];
  /** Version that every pod runs; the older one while a roll-out is under way. */
  readonly version?: string;
  /** Client connections at all gateways. */
  readonly connections?: number;
  /** Gateway pods of the current revision. */
  readonly gatewayReplicas?: number;
  /** Ready and wanted gateways. */
  readonly gatewaysReady?: string;
  /** Selector of gateway pods. */
  readonly gatewaySelector?: string;
  /** Hash of the gateways' pod template. */
  readonly gatewayRevision?: string;
  /** Every gateway pod. */
  readonly gateways?: readonly OpenIMClusterStatusGateway[];
  /** Every part of the cluster. */
  readonly components?: readonly OpenIMClusterStatusComponent[];
  /** The message log. */
  readonly log?: OpenIMClusterStatusLog;
  /** Where clients and administrators begin. */
  readonly endpoints?: OpenIMClusterStatusEndpoints;
  /** The roll-out under way, or the last one. */
  readonly rollout?: OpenIMClusterStatusRollout;
  /** The values in force, absent fields filled in. */
  readonly effective?: Readonly<Record<string, unknown>>;
}
