// Made from crds/openimclusters.openim.io.yaml by operator/scripts/crd-types.ts.

/** Reference to a Secret of this namespace. */
export interface LocalRef {
  /** Name of a Secret of this namespace. */
  readonly name: string;
}

/** The ServiceAccount that the operator creates for the pods. */
export interface OpenIMClusterServiceAccount {
  /** Annotations, for example the role of a cloud provider that pods take. */
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface ScalingRulesPolicy {
  /** Unit of value. */
  readonly type: 'Pods' | 'Percent';
  /** Largest change within the period. */
  readonly value: number;
  /** The period. */
  readonly periodSeconds: number;
}

/** Pace in this direction. Default of scaleUp: no window, 4 pods or 100 % per 15 s. Default of scaleDown: a window of 1800 s, one pod or 10 % per 60 s. */
export interface ScalingRules {
  /** Time over which a change must have been recommended. Default: 0 (scaleUp), 1800 (scaleDown). */
  readonly stabilizationWindowSeconds?: number;
  /** Policy that applies: the one that allows the largest change, the smallest, or none at all. Default: Max. */
  readonly selectPolicy?: 'Max' | 'Min' | 'Disabled';
  /** Limits on changes within a period. */
  readonly policies?: readonly ScalingRulesPolicy[];
}

/** Pace of changes, as in autoscaling/v2. */
export interface OpenIMClusterGatewayAutoscalingBehavior {
  /** Pace in this direction. Default of scaleUp: no window, 4 pods or 100 % per 15 s. Default of scaleDown: a window of 1800 s, one pod or 10 % per 60 s. */
  readonly scaleUp?: ScalingRules;
  /** Pace in this direction. Default of scaleUp: no window, 4 pods or 100 % per 15 s. Default of scaleDown: a window of 1800 s, one pod or 10 % per 60 s. */
  readonly scaleDown?: ScalingRules;
}

/** Number of gateways by their load, as the operator reads it from each of them; excludes replicas. Gateways are removed only when all of them answer, and after a drain. */
export interface OpenIMClusterGatewayAutoscaling {
  /** Minimum number of pods. Default: 2. */
  readonly minReplicas?: number;
  /** Maximum number of pods. */
  readonly maxReplicas: number;
  /** Connections per pod. Default: 70 % of maxConnectionsPerPod. */
  readonly targetConnectionsPerPod?: number;
  /** New connections per second and pod, refused ones included, as a mean of 10 s. Not considered while the operator moves connections, which makes clients reconnect. Default: not considered. */
  readonly targetHandshakesPerSecondPerPod?: number;
  /** Event-loop delay (99th percentile; median of 30 s per pod, mean of all pods), which rises when a gateway uses up its CPU. Default: not considered. */
  readonly targetEventLoopDelayMilliseconds?: number;
  /** Pods above what the load needs: None, one, or as many as run in one zone, so that the others can take over the connections of a lost pod or zone. Default: OnePod. */
  readonly spare?: 'None' | 'OnePod' | 'OneZone';
  /** Pace of changes, as in autoscaling/v2. */
  readonly behavior?: OpenIMClusterGatewayAutoscalingBehavior;
}

/** Redistribution of connections after a scale-out. Gateways with more connections than the mean close the excess slowly, and those clients reconnect through the Service. Paused while connections are drained, gateways are replaced, or one does not answer. */
export interface OpenIMClusterGatewayRebalance {
  /** Whether connections are redistributed. Default: Off. */
  readonly mode?: 'On' | 'Off';
  /** Percentage above the mean from which connections of a gateway are excess. Default: 20. */
  readonly tolerancePercent?: number;
  /** Percentage of its connections that a gateway closes per minute at most. Default: 2. */
  readonly maxPercentPerMinute?: number;
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
  /** Longest duration of a drain, after which the remaining connections are closed. A change replaces the gateways, because it determines the grace period of their pods. Default: that in force; 540 for a new cluster. */
  readonly deadlineSeconds?: number;
  /** Maximum connections closed per second and pod. Takes effect without a restart. Default: 500. */
  readonly maxConnectionsPerSecond?: number;
  /** Gateways that drain at a time: a number, or a percentage of replicas, rounded down but at least 1. A machine that is about to end is not counted. Default: 25%. */
  readonly maxConcurrentPods?: string | number;
}

/** Replacement of the gateways by a new revision. */
export interface OpenIMClusterGatewayRollout {
  /** Gateways of the new revision that run in addition to the old ones: a number, or a percentage of replicas, rounded up. With less than 100% the roll-out needs less room and takes longer. Default: 100%. */
  readonly maxSurge?: string | number;
}

/** Service for clients inside and, depending on type, outside the cluster. */
export interface ServiceSettings {
  /** Type of the Service. Default: ClusterIP. */
  readonly type?: 'ClusterIP' | 'NodePort' | 'LoadBalancer';
  /** Port of the Service. Default: 10001 (gateway), 10002 (api, console), 8333 (object storage). */
  readonly port?: number;
  /** Port on every node; assigned by Kubernetes when absent. */
  readonly nodePort?: number;
  /** Annotations for the load balancer provider. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** Additional labels of the Service. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Local keeps the address of the client, and sends traffic only to nodes that run a pod. Default: Cluster. */
  readonly externalTrafficPolicy?: 'Cluster' | 'Local';
  /** Implementation of the load balancer. Kubernetes does not change it while type is LoadBalancer. Default: that of the cluster. */
  readonly loadBalancerClass?: string;
  /** Addresses of clients that the load balancer lets through. Default: all. */
  readonly loadBalancerSourceRanges?: readonly string[];
  /** IPv4, IPv6 or both. Default: SingleStack. */
  readonly ipFamilyPolicy?: 'SingleStack' | 'PreferDualStack' | 'RequireDualStack';
  /** ClientIP sends a client's connections to one pod. Default: None. */
  readonly sessionAffinity?: 'None' | 'ClientIP';
}

/** Ingress for the Service. */
export interface IngressSettings {
  /** Host name in the URLs of clients, in lower case. */
  readonly host: string;
  /** IngressClass. Default: the cluster's default class. */
  readonly className?: string;
  /** Secret with the certificate; without one the Ingress has no TLS. */
  readonly tlsSecretName?: string;
  /** Annotations for the Ingress controller. */
  readonly annotations?: Readonly<Record<string, string>>;
}

/** A Gateway, or one of its listeners. */
export interface HttpRouteSettingsParentRef {
  /** Name of the Gateway. */
  readonly name: string;
  /** Its namespace. Default: that of the cluster. */
  readonly namespace?: string;
  /** Name of a listener. Default: all that admit the route. */
  readonly sectionName?: string;
  /** Port of listeners. Default: all. */
  readonly port?: number;
}

/** HTTPRoute (Gateway API 1.2 or later) for all paths of its hosts. It has no time limit for WebSockets and objects. Condition ObjectsApplied reports when the API is not installed. */
export interface HttpRouteSettings {
  /** Gateways that the route is attached to. */
  readonly parentRefs: readonly HttpRouteSettingsParentRef[];
  /** Hosts in the URLs of clients. The first is that of the endpoint in status (https, wss) where neither publicURL nor an Ingress says otherwise. */
  readonly hostnames: readonly string[];
  /** Annotations of the HTTPRoute. */
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Requests and limits of the container. Default: by role. */
export interface ResourceSettings {
  /** Quantities by resource name. */
  readonly requests?: Readonly<Record<string, string | number>>;
  /** Quantities by resource name. */
  readonly limits?: Readonly<Record<string, string | number>>;
}

export interface PodTemplateSettingsToleration {
  /** Key of the taint. Default: every key. */
  readonly key?: string;
  /** Equal compares value, too. Default: Equal. */
  readonly operator?: 'Exists' | 'Equal';
  /** Value of the taint. */
  readonly value?: string;
  /** Effect of the taint. Default: every effect. */
  readonly effect?: 'NoSchedule' | 'PreferNoSchedule' | 'NoExecute';
  /** Time that a pod stays with effect NoExecute. Default: for ever. */
  readonly tolerationSeconds?: number;
}

/** Affinity. Default: pods of a role prefer different nodes. */
export interface PodTemplateSettingsAffinity {
  /** As in a PodSpec. */
  readonly nodeAffinity?: Readonly<Record<string, unknown>>;
  /** As in a PodSpec. */
  readonly podAffinity?: Readonly<Record<string, unknown>>;
  /** As in a PodSpec. */
  readonly podAntiAffinity?: Readonly<Record<string, unknown>>;
}

export interface PodTemplateSettingsTopologySpreadConstraint {
  /** Largest difference between domains. */
  readonly maxSkew: number;
  /** Label of nodes whose values are the domains. */
  readonly topologyKey: string;
  /** What happens to a pod that would exceed maxSkew. */
  readonly whenUnsatisfiable: 'DoNotSchedule' | 'ScheduleAnyway';
}

/** An environment variable. */
export interface EnvVar {
  /** Name. */
  readonly name: string;
  /** Value. */
  readonly value?: string;
}

/** Additions to the pod template: in spec.podTemplate of every role and managed store, in other sections of that one, where they take precedence. */
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
  readonly tolerations?: readonly PodTemplateSettingsToleration[];
  /** Affinity. Default: pods of a role prefer different nodes. */
  readonly affinity?: PodTemplateSettingsAffinity;
  /** Topology spread constraints. */
  readonly topologySpreadConstraints?: readonly PodTemplateSettingsTopologySpreadConstraint[];
  /** Additional environment variables of the container. */
  readonly env?: readonly EnvVar[];
  /** Any fields of a PodSpec, such as volumes, initContainers, containers, securityContext, dnsConfig, hostAliases, runtimeClassName or imagePullSecrets. Merged into the pod as kubectl patch --type strategic does: entries of lists by name, and null removes. The container of the service has the name of its role, such as gateway; its image, arguments, resources and lifecycle, and the pod's grace period, are set elsewhere and stay. Containers that it adds are Restricted by default. */
  readonly spec?: Readonly<Record<string, unknown>>;
}

/** The WebSocket gateways that clients connect to. */
export interface OpenIMClusterGateway {
  /** Number of pods. Default: the number that is running; at first 2. */
  readonly replicas?: number;
  /** Maximum connections per pod; more are refused with a retryable error. Takes effect without a restart. Default: 100000. */
  readonly maxConnectionsPerPod?: number;
  /** Number of gateways by their load, as the operator reads it from each of them; excludes replicas. Gateways are removed only when all of them answer, and after a drain. */
  readonly autoscaling?: OpenIMClusterGatewayAutoscaling;
  /** Redistribution of connections after a scale-out. Gateways with more connections than the mean close the excess slowly, and those clients reconnect through the Service. Paused while connections are drained, gateways are replaced, or one does not answer. */
  readonly rebalance?: OpenIMClusterGatewayRebalance;
  /** Maximum connections of one user per gateway pod; another one closes the oldest background connection, or else the oldest. Takes effect without a restart. Default: 50. */
  readonly maxConnectionsPerUser?: number;
  /** Request limits per connection, and byte limits per user; above them answers are delayed, and the connection stays open. */
  readonly requests?: OpenIMClusterGatewayRequests;
  /** Admission of new connections at each gateway, before any backend is used. */
  readonly handshakes?: OpenIMClusterGatewayHandshakes;
  /** Drain of connections before a pod stops. */
  readonly drain?: OpenIMClusterGatewayDrain;
  /** Replacement of the gateways by a new revision. */
  readonly rollout?: OpenIMClusterGatewayRollout;
  /** Service for clients inside and, depending on type, outside the cluster. */
  readonly service?: ServiceSettings;
  /** Ingress for the Service. */
  readonly ingress?: IngressSettings;
  /** HTTPRoute (Gateway API 1.2 or later) for all paths of its hosts. It has no time limit for WebSockets and objects. Condition ObjectsApplied reports when the API is not installed. */
  readonly httpRoute?: HttpRouteSettings;
  /** URL for clients, such as wss://im.example.com. Default: from Ingress, HTTPRoute or Service. */
  readonly publicURL?: string;
  /** Requests and limits of the container. Default: by role. */
  readonly resources?: ResourceSettings;
  /** Additions to the pod template: in spec.podTemplate of every role and managed store, in other sections of that one, where they take precedence. */
  readonly podTemplate?: PodTemplateSettings;
}

/** The HTTP API. */
export interface OpenIMClusterApi {
  /** Number of pods. Without it the number that runs stays, which a scaler of the Deployment may change. Default: 2. */
  readonly replicas?: number;
  /** Maximum connections per pod; further ones are closed. Needs a version of the service that knows it; for an older one it is left out, as condition Accepted reports. Default: 20000. */
  readonly maxConnectionsPerPod?: number;
  /** Service for clients inside and, depending on type, outside the cluster. */
  readonly service?: ServiceSettings;
  /** Ingress for the Service. */
  readonly ingress?: IngressSettings;
  /** HTTPRoute (Gateway API 1.2 or later) for all paths of its hosts. It has no time limit for WebSockets and objects. Condition ObjectsApplied reports when the API is not installed. */
  readonly httpRoute?: HttpRouteSettings;
  /** URL for clients. Default: from Ingress, HTTPRoute or Service. */
  readonly publicURL?: string;
  /** Where /third/prometheus leads. Default: nowhere (404). */
  readonly grafanaURL?: string;
  /** Whether /prometheus_discovery/<name> lists the pods and their ports of metrics, for a Prometheus with the configuration of OpenIM. The route needs no token: whoever reaches the API sees the addresses. Default: false. */
  readonly discoverProcesses?: boolean;
  /** Requests and limits of the container. Default: by role. */
  readonly resources?: ResourceSettings;
  /** Additions to the pod template: in spec.podTemplate of every role and managed store, in other sections of that one, where they take precedence. */
  readonly podTemplate?: PodTemplateSettings;
}

/** An internal role. */
export interface WorkloadSettings {
  /** Number of pods. Without it the number that runs stays, which a scaler of the Deployment may change. Default: 2. */
  readonly replicas?: number;
  /** Requests and limits of the container. Default: by role. */
  readonly resources?: ResourceSettings;
  /** Additions to the pod template: in spec.podTemplate of every role and managed store, in other sections of that one, where they take precedence. */
  readonly podTemplate?: PodTemplateSettings;
}

/** Offline notifications. */
export interface OpenIMClusterPush {
  /** Number of pods. Without it the number that runs stays, which a scaler of the Deployment may change. Default: 1 (Development), 2 (Production). */
  readonly replicas?: number;
  /** Requests and limits of the container. Default: by role. */
  readonly resources?: ResourceSettings;
  /** Additions to the pod template: in spec.podTemplate of every role and managed store, in other sections of that one, where they take precedence. */
  readonly podTemplate?: PodTemplateSettings;
  /** What happens to offline notifications of tenants without providers: nothing, or a line in the log. Default: None. */
  readonly provider?: 'None' | 'Log';
  /** Offline notifications per user and minute. Takes effect without a restart. Default: 30. */
  readonly wakesPerUserPerMinute?: number;
  /** Burst of offline notifications per user. Takes effect without a restart. Default: 10. */
  readonly wakesPerUserBurst?: number;
}

/** Key of a service account as JSON, with project_id, client_email, private_key and token_uri. In a Secret of this namespace. Takes effect without a restart. */
export interface OpenIMClusterOfflinePushProvidersFcmServiceAccountSecretRef {
  /** Name of the Secret. */
  readonly name: string;
  /** Key in it. Default: serviceAccount. */
  readonly key?: string;
}

/** Firebase Cloud Messaging; tokens without a prefix. */
export interface OpenIMClusterOfflinePushProvidersFcm {
  /** Key of a service account as JSON, with project_id, client_email, private_key and token_uri. In a Secret of this namespace. Takes effect without a restart. */
  readonly serviceAccountSecretRef: OpenIMClusterOfflinePushProvidersFcmServiceAccountSecretRef;
  /** Base URL instead of https://fcm.googleapis.com, for example of a proxy. Takes effect without a restart. */
  readonly url?: string;
}

/** Signing key, the text of the .p8 file. In a Secret of this namespace. Takes effect without a restart. */
export interface OpenIMClusterOfflinePushProvidersApnsKeySecretRef {
  /** Name of the Secret. */
  readonly name: string;
  /** Key in it. Default: key. */
  readonly key?: string;
}

/** Apple Push Notification service; tokens apns: and apns-sandbox:. */
export interface OpenIMClusterOfflinePushProvidersApns {
  /** Signing key, the text of the .p8 file. In a Secret of this namespace. Takes effect without a restart. */
  readonly keySecretRef: OpenIMClusterOfflinePushProvidersApnsKeySecretRef;
  /** Key ID, 10 characters. Takes effect without a restart. */
  readonly keyID: string;
  /** Team ID, 10 characters. Takes effect without a restart. */
  readonly teamID: string;
  /** Bundle ID of the app. Takes effect without a restart. */
  readonly topic: string;
  /** Tokens apns: belong to the sandbox (development builds); apns-sandbox: always do. Takes effect without a restart. Default: false. */
  readonly sandbox?: boolean;
  /** Base URL instead of https://api.push.apple.com, for example of a proxy. Takes effect without a restart. */
  readonly url?: string;
}

/** App secret, the OAuth client secret. In a Secret of this namespace. Takes effect without a restart. */
export interface OpenIMClusterOfflinePushProvidersHmsAppSecretRef {
  /** Name of the Secret. */
  readonly name: string;
  /** Key in it. Default: appSecret. */
  readonly key?: string;
}

/** Huawei Push Kit; tokens hms:. */
export interface OpenIMClusterOfflinePushProvidersHms {
  /** App ID, which is the OAuth client ID as well. Takes effect without a restart. */
  readonly appID: string;
  /** App secret, the OAuth client secret. In a Secret of this namespace. Takes effect without a restart. */
  readonly appSecretRef: OpenIMClusterOfflinePushProvidersHmsAppSecretRef;
  /** Category of messages; empty sends none. Takes effect without a restart. Default: IM. */
  readonly category?: string;
  /** Base URL instead of https://push-api.cloud.huawei.com, for example of a proxy. Takes effect without a restart. */
  readonly url?: string;
  /** Base URL instead of https://oauth-login.cloud.huawei.com, for example of a proxy. Takes effect without a restart. */
  readonly authURL?: string;
}

/** Service account as JSON, with project_id, key_id, private_key and sub_account. In a Secret of this namespace. Takes effect without a restart. */
export interface OpenIMClusterOfflinePushProvidersHosServiceAccountSecretRef {
  /** Name of the Secret. */
  readonly name: string;
  /** Key in it. Default: serviceAccount. */
  readonly key?: string;
}

/** Huawei Push Kit for HarmonyOS NEXT; tokens hos:. */
export interface OpenIMClusterOfflinePushProvidersHos {
  /** Service account as JSON, with project_id, key_id, private_key and sub_account. In a Secret of this namespace. Takes effect without a restart. */
  readonly serviceAccountSecretRef: OpenIMClusterOfflinePushProvidersHosServiceAccountSecretRef;
  /** Category of messages. Takes effect without a restart. Default: IM. */
  readonly category?: string;
  /** Messages are tests, which have a small daily quota. Takes effect without a restart. Default: false. */
  readonly testMessage?: boolean;
  /** Base URL instead of https://push-api.cloud.huawei.com, for example of a proxy. Takes effect without a restart. */
  readonly url?: string;
}

/** App secret. In a Secret of this namespace. Takes effect without a restart. */
export interface OpenIMClusterOfflinePushProvidersMiAppSecretRef {
  /** Name of the Secret. */
  readonly name: string;
  /** Key in it. Default: appSecret. */
  readonly key?: string;
}

/** Xiaomi Push; tokens mi:. */
export interface OpenIMClusterOfflinePushProvidersMi {
  /** App secret. In a Secret of this namespace. Takes effect without a restart. */
  readonly appSecretRef: OpenIMClusterOfflinePushProvidersMiAppSecretRef;
  /** Package name of the app. Takes effect without a restart. */
  readonly packageName: string;
  /** Notification channel registered with Xiaomi. Takes effect without a restart. */
  readonly channelID?: string;
  /** Base URL instead of https://api.xmpush.xiaomi.com, for example of a proxy. Takes effect without a restart. */
  readonly url?: string;
}

/** Master secret. In a Secret of this namespace. Takes effect without a restart. */
export interface OpenIMClusterOfflinePushProvidersGetuiMasterSecretRef {
  /** Name of the Secret. */
  readonly name: string;
  /** Key in it. Default: masterSecret. */
  readonly key?: string;
}

/** Getui; apps bind the user id as alias. */
export interface OpenIMClusterOfflinePushProvidersGetui {
  /** App ID. Takes effect without a restart. */
  readonly appID: string;
  /** App key. Takes effect without a restart. */
  readonly appKey: string;
  /** Master secret. In a Secret of this namespace. Takes effect without a restart. */
  readonly masterSecretRef: OpenIMClusterOfflinePushProvidersGetuiMasterSecretRef;
  /** Users notified through their alias, which is the user id: All, or only those without a registered token of another provider. Takes effect without a restart. Default: All. */
  readonly users?: 'All' | 'WithoutToken';
  /** Intent that a tap opens; empty starts the app. Takes effect without a restart. */
  readonly intent?: string;
  /** Notification channel on Android. Takes effect without a restart. */
  readonly channelID?: string;
  /** Name of the notification channel. Takes effect without a restart. */
  readonly channelName?: string;
  /** Base URL instead of https://restapi.getui.com/v2/<appID>, for example of a proxy. Takes effect without a restart. */
  readonly url?: string;
}

/** Master secret, 24 characters. In a Secret of this namespace. Takes effect without a restart. */
export interface OpenIMClusterOfflinePushProvidersJpushMasterSecretRef {
  /** Name of the Secret. */
  readonly name: string;
  /** Key in it. Default: masterSecret. */
  readonly key?: string;
}

/** JPush; apps bind the user id as alias. */
export interface OpenIMClusterOfflinePushProvidersJpush {
  /** App key, 24 characters. Takes effect without a restart. */
  readonly appKey: string;
  /** Master secret, 24 characters. In a Secret of this namespace. Takes effect without a restart. */
  readonly masterSecretRef: OpenIMClusterOfflinePushProvidersJpushMasterSecretRef;
  /** Users notified through their alias, which is the user id: All, or only those without a registered token of another provider. Takes effect without a restart. Default: All. */
  readonly users?: 'All' | 'WithoutToken';
  /** Intent that a tap opens; empty starts the app. Takes effect without a restart. */
  readonly intent?: string;
  /** iOS apps are signed for production. Takes effect without a restart. Default: true. */
  readonly apnsProduction?: boolean;
  /** Base URL instead of https://api.jpush.cn, for example of a proxy. Takes effect without a restart. */
  readonly url?: string;
}

/** VAPID private key: 32 bytes, base64url. In a Secret of this namespace. Takes effect without a restart. */
export interface OpenIMClusterOfflinePushProvidersWebPushPrivateKeySecretRef {
  /** Name of the Secret. */
  readonly name: string;
  /** Key in it. Default: privateKey. */
  readonly key?: string;
}

/** Web Push; tokens web: with the subscription as JSON. */
export interface OpenIMClusterOfflinePushProvidersWebPush {
  /** VAPID public key: 65 bytes, base64url. Browsers subscribe with it. Takes effect without a restart. */
  readonly publicKey: string;
  /** VAPID private key: 32 bytes, base64url. In a Secret of this namespace. Takes effect without a restart. */
  readonly privateKeySecretRef: OpenIMClusterOfflinePushProvidersWebPushPrivateKeySecretRef;
  /** Contact of the sender, mailto: or https:. Takes effect without a restart. */
  readonly subject: string;
  /** Hosts of endpoints that subscriptions may have; *. in front stands for all below. Takes effect without a restart. Default: those of Chrome, Firefox, Safari and Edge. */
  readonly hosts?: readonly string[];
}

/** Signs requests after the Standard Webhooks specification. In a Secret of this namespace. Takes effect without a restart. */
export interface OpenIMClusterOfflinePushProvidersWebhookSecretRef {
  /** Name of the Secret. */
  readonly name: string;
  /** Key in it. Default: secret. */
  readonly key?: string;
}

/** A generic webhook, signed as Standard Webhooks. */
export interface OpenIMClusterOfflinePushProvidersWebhook {
  /** Receives one POST per notification; at an internal address only if webhooks.allowedNetworks has it. Takes effect without a restart. */
  readonly url: string;
  /** Signs requests after the Standard Webhooks specification. In a Secret of this namespace. Takes effect without a restart. */
  readonly secretRef: OpenIMClusterOfflinePushProvidersWebhookSecretRef;
  /** Kinds of tokens that it delivers, instead of the provider of that kind. Takes effect without a restart. Default: oppo, vivo, honor, meizu. */
  readonly kinds?: readonly ('fcm' | 'apns' | 'apns-sandbox' | 'hms' | 'hos' | 'mi' | 'web' | 'oppo' | 'vivo' | 'honor' | 'meizu')[];
  /** Users that it gets by their ids in addition: None, All, or those without a registered token. Takes effect without a restart. Default: None. */
  readonly users?: 'None' | 'All' | 'WithoutToken';
}

/** Providers and their credentials. */
export interface OpenIMClusterOfflinePushProviders {
  /** Firebase Cloud Messaging; tokens without a prefix. */
  readonly fcm?: OpenIMClusterOfflinePushProvidersFcm;
  /** Apple Push Notification service; tokens apns: and apns-sandbox:. */
  readonly apns?: OpenIMClusterOfflinePushProvidersApns;
  /** Huawei Push Kit; tokens hms:. */
  readonly hms?: OpenIMClusterOfflinePushProvidersHms;
  /** Huawei Push Kit for HarmonyOS NEXT; tokens hos:. */
  readonly hos?: OpenIMClusterOfflinePushProvidersHos;
  /** Xiaomi Push; tokens mi:. */
  readonly mi?: OpenIMClusterOfflinePushProvidersMi;
  /** Getui; apps bind the user id as alias. */
  readonly getui?: OpenIMClusterOfflinePushProvidersGetui;
  /** JPush; apps bind the user id as alias. */
  readonly jpush?: OpenIMClusterOfflinePushProvidersJpush;
  /** Web Push; tokens web: with the subscription as JSON. */
  readonly webPush?: OpenIMClusterOfflinePushProvidersWebPush;
  /** A generic webhook, signed as Standard Webhooks. */
  readonly webhook?: OpenIMClusterOfflinePushProvidersWebhook;
}

/** Offline notifications of tenants without a section push. Needs a version of the service that knows it; for an older one it is left out, as condition Accepted reports. */
export interface OpenIMClusterOfflinePush {
  /** Providers and their credentials. */
  readonly providers?: OpenIMClusterOfflinePushProviders;
  /** What a notification shows of a message: title and text; the title; nothing but fallbackText. None leaves out the extra data of the sender as well. Takes effect without a restart. Default: Full. */
  readonly content?: 'Full' | 'Title' | 'None';
  /** Title and text where a message has none, or they are not shown. Takes effect without a restart. Default: [NEWMSG]. */
  readonly fallbackText?: string;
  /** Sound on iOS where the sender names none; empty is silent. Takes effect without a restart. Default: default. */
  readonly sound?: string;
  /** Notifications set the badge on iOS and, where supported, Android. Takes effect without a restart. Default: true. */
  readonly badge?: boolean;
  /** Providers keep a notification for this long while a device is unreachable. Takes effect without a restart. Default: 86400. */
  readonly ttlSeconds?: number;
  /** A notification replaces the previous one of the same conversation; false shows each. Takes effect without a restart. Default: true. */
  readonly collapse?: boolean;
  /** A message that mentions a member notifies them even if they receive the conversation without notice. Takes effect without a restart. Default: false. */
  readonly mentionsThroughMute?: boolean;
  /** Devices per second, provider and process; 0 is no limit. Takes effect without a restart. */
  readonly devicesPerSecond?: number;
  /** Requests at once, per provider and process. Takes effect without a restart. Default: 16. */
  readonly concurrency?: number;
}

/** Webhooks of all tenants. */
export interface OpenIMClusterWebhooks {
  /** Internal networks in which receivers of webhooks may be, such as 10.0.0.0/8, or IP addresses. Private, loopback, link-local and metadata addresses outside of them are refused. Takes effect without a restart. */
  readonly allowedNetworks?: readonly string[];
}

/** Key of the secret of the client. In a Secret of this namespace. Default: a public client. */
export interface OpenIMClusterConsoleOidcClientSecretRef {
  /** Name of the Secret. */
  readonly name: string;
  /** Key in it. Default: clientSecret. */
  readonly key?: string;
}

/** A rule that gives a role to those whose claim has one of some values. */
export interface OpenIMClusterConsoleOidcRule {
  /** Claim that decides. Default: groups. */
  readonly claim?: string;
  /** Values of which the claim must have one. */
  readonly values: readonly string[];
  /** The role that it gives. */
  readonly role: 'viewer' | 'support' | 'moderator' | 'admin';
  /** IDs of tenants in which it gives the role; * stands for all. Default: none. */
  readonly tenants?: readonly string[];
  /** Claim that lists further tenants. Default: none. */
  readonly tenantsClaim?: string;
}

/** An identity provider. */
export interface OpenIMClusterConsoleOidc {
  /** Part of the redirect URI and of names in the audit log. */
  readonly name: string;
  /** On the button. Default: the name. */
  readonly displayName?: string;
  /** Issuer, as its discovery document has it; https, or http at localhost. */
  readonly issuer: string;
  /** The client that is registered there. */
  readonly clientID: string;
  /** Key of the secret of the client. In a Secret of this namespace. Default: a public client. */
  readonly clientSecretRef?: OpenIMClusterConsoleOidcClientSecretRef;
  /** Scopes that are asked for. Default: openid, profile. */
  readonly scopes?: readonly string[];
  /** Claim that names people in the audit log; sub where it is missing. Default: preferred_username. */
  readonly nameClaim?: string;
  /** Who gets which role where. Those whom no rule names are refused. */
  readonly rules: readonly OpenIMClusterConsoleOidcRule[];
}

/** The web console, which the pods of api serve, or with replicas pods of its own. A change restarts those pods. Needs a version of the service that knows it; for an older one it is left out, as condition Accepted reports. */
export interface OpenIMClusterConsole {
  /** Whether it is served. Default: true. */
  readonly enabled?: boolean;
  /** Number of pods of a Deployment for the console alone; api then serves neither the page nor its sessions. Default: no pods of its own, api serves it. */
  readonly replicas?: number;
  /** Path at which it is served, with / at both ends, such as /ops/console/; consoles of one host need different paths. Default: /console/. */
  readonly path?: string;
  /** Service for clients inside and, depending on type, outside the cluster. */
  readonly service?: ServiceSettings;
  /** Ingress for the Service. */
  readonly ingress?: IngressSettings;
  /** HTTPRoute (Gateway API 1.2 or later) for all paths of its hosts. It has no time limit for WebSockets and objects. Condition ObjectsApplied reports when the API is not installed. */
  readonly httpRoute?: HttpRouteSettings;
  /** Requests and limits of the container. Default: by role. */
  readonly resources?: ResourceSettings;
  /** Additions to the pod template: in spec.podTemplate of every role and managed store, in other sections of that one, where they take precedence. */
  readonly podTemplate?: PodTemplateSettings;
  /** ID of the tenant whose administrators may create logins for all tenants. Default: none. */
  readonly clusterTenant?: string;
  /** Address below which browsers have the path of the console, with /t/<tenant> where there is no tenant default; https, or http at localhost. Identity providers lead back to it. Default: https with the host of ingress or httpRoute; without them none. */
  readonly publicURL?: string;
  /** Whether the admin secret of a tenant logs in as its administrator, by a form. Default: false. */
  readonly adminSecretLogin?: boolean;
  /** Identity providers that speak OpenID Connect, by which people log in. The redirect URI to register is <publicURL><path>_login/<name>/back. Default: none. */
  readonly oidc?: readonly OpenIMClusterConsoleOidc[];
}

/** Key of the value of the Authorization header for the collector, such as Bearer and a token. In a Secret of this namespace. Takes effect without a restart. */
export interface OpenIMClusterTracingAuthorizationSecretRef {
  /** Name of the Secret. */
  readonly name: string;
  /** Key in it. Default: authorization. */
  readonly key?: string;
}

/** Traces of requests and messages, by OpenTelemetry. */
export interface OpenIMClusterTracing {
  /** URL of a collector that takes OTLP over HTTP, such as http://otel-collector.monitoring:4318; without a path, /v1/traces is added. Takes effect without a restart. Default: no traces. */
  readonly endpoint?: string;
  /** Key of the value of the Authorization header for the collector, such as Bearer and a token. In a Secret of this namespace. Takes effect without a restart. */
  readonly authorizationSecretRef?: OpenIMClusterTracingAuthorizationSecretRef;
  /** Part of requests and messages of which a trace is recorded. What follows from a traced message is traced, too. Takes effect without a restart. Default: 0.01. */
  readonly sampleRatio?: number;
  /** Spans that a pod records per second; of several tenants, one can take half of them. Takes effect without a restart. Default: 500. */
  readonly maxSpansPerSecond?: number;
  /** Requests to the HTTP API with a traceparent header continue the trace of their caller, sampled as the caller decided; any client can set the header. Takes effect without a restart. Default: false. */
  readonly followCallers?: boolean;
}

/** Schedules of jobs. */
export interface OpenIMClusterCronSchedules {
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
  /** Schedule of the removal of push tokens that have expired or were not registered again (cron with five fields, UTC). Takes effect without a restart. Default: at night. */
  readonly pushTokenExpiry?: string;
  /** Schedule of the comparison of the database's indexes with those declared (cron with five fields, UTC). Takes effect without a restart. Default: at night. */
  readonly indexReport?: string;
  /** Schedule of the reports on the health of tenants (cron with five fields, UTC). Takes effect without a restart. Default: in the morning. */
  readonly healthReport?: string;
  /** Schedule of the count of messages, accounts, groups and storage for statistics (cron with five fields, UTC). Takes effect without a restart. Default: every 20 minutes. */
  readonly statistics?: string;
}

/** Times for which data are kept. */
export interface OpenIMClusterCronRetention {
  /** Days after which a push token that was not registered again is removed; 0 keeps it until its provider reports it as gone. Takes effect without a restart. Default: 270. */
  readonly pushTokenDays?: number;
  /** Days that records of administrators' acts are kept; 0 keeps them for ever. Takes effect without a restart. Default: 400. */
  readonly auditDays?: number;
  /** Days for which statistics keep counts of messages by user and group; the figures of each day stay for ten years. Takes effect without a restart. Default: 400. */
  readonly statisticsDays?: number;
  /** Days that objects of messages are kept; 0 is for ever. Takes effect without a restart. Default: 180. */
  readonly objectDays?: number;
  /** Groups (upload causes) of objects that expire after objectDays. Takes effect without a restart. Default: msg-picture, msg-file, msg-voice, msg-video, msg-video-snapshot, sdklog. */
  readonly objectGroups?: readonly string[];
}

/** Scheduled jobs; always one pod. */
export interface OpenIMClusterCron {
  /** Requests and limits of the container. Default: by role. */
  readonly resources?: ResourceSettings;
  /** Additions to the pod template: in spec.podTemplate of every role and managed store, in other sections of that one, where they take precedence. */
  readonly podTemplate?: PodTemplateSettings;
  /** Schedules of jobs. */
  readonly schedules?: OpenIMClusterCronSchedules;
  /** Times for which data are kept. */
  readonly retention?: OpenIMClusterCronRetention;
  /** Keep the indexes of messages by time and by sender, so that administrators search without reading every message; storing a message costs the database more. False removes them. Takes effect without a restart. Default: false. */
  readonly searchIndexes?: boolean;
  /** Longest run of a job for one tenant, in minutes; the next run goes on with what is left. Takes effect without a restart. Default: 60. */
  readonly runMinutes?: number;
}

export interface OpenIMClusterUpgradeWindow {
  /** Days of the week on which the window opens. Default: every day. */
  readonly days?: readonly ('Mon' | 'Tue' | 'Wed' | 'Thu' | 'Fri' | 'Sat' | 'Sun')[];
  /** Start (HH:MM). */
  readonly from: string;
  /** End (HH:MM); on the next day when it is not after from. */
  readonly to: string;
  /** IANA time zone, such as Europe/Berlin. Default: UTC. */
  readonly timeZone?: string;
}

/** How a change of version or image is rolled out: step by step, each behind gates; a step that fails takes the cluster back to the revision before. */
export interface OpenIMClusterUpgrade {
  /** Automatic: an upgrade starts at once. Supervised: it waits for openimctl upgrade approve. Default: Automatic. */
  readonly mode?: 'Automatic' | 'Supervised';
  /** No upgrade starts, and one that has started begins no further step. Default: false. */
  readonly paused?: boolean;
  /** Time that the prober must be without a finding after each step, in seconds; without spec.prober.enabled it is not waited for. Default: 30. */
  readonly soakSeconds?: number;
  /** Time for the new pods of a step to become available, and then for its gates to open, in seconds; afterwards the upgrade is rolled back. New pods that crash, or whose image cannot be pulled, end it after a fifth of that. Default: 600. */
  readonly stepDeadlineSeconds?: number;
  /** Times in which upgrades may start. One that has started goes on after the end. Default: at any time. */
  readonly windows?: readonly OpenIMClusterUpgradeWindow[];
}

/** A pod that sends checked messages between its own users at all times, in single chats and a group, through the Service of the gateways. It has its own tenant, openim-probe, whose messages are kept for a day. status.upgrade has what it found during an upgrade. */
export interface OpenIMClusterProber {
  /** Whether it runs. Default: false. */
  readonly enabled?: boolean;
  /** Messages per second, over all of its conversations. Default: 2. */
  readonly messagesPerSecond?: number;
  /** Requests and limits of the container. Default: by role. */
  readonly resources?: ResourceSettings;
  /** Additions to the pod template: in spec.podTemplate of every role and managed store, in other sections of that one, where they take precedence. */
  readonly podTemplate?: PodTemplateSettings;
}

/** The volume. */
export interface StorageSettings {
  /** Size, such as 20Gi. A volume grows if its StorageClass allows expansion, and never shrinks; condition StorageResized has the outcome. Default: by store. */
  readonly size?: string;
  /** StorageClass; it can change as long as no volume exists. Default: the cluster's default class. */
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
  /** Additions to the pod template: in spec.podTemplate of every role and managed store, in other sections of that one, where they take precedence. */
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

/** Secret or ConfigMap of this namespace with CA certificates (PEM), which are used instead of those of the system. For a change of the CA, have old and new in it for a while. */
export interface CaRef {
  /** Name of the object. */
  readonly name: string;
  /** Key in it. Default: ca.crt. */
  readonly key?: string;
}

/** Secret of this namespace with the client certificate in tls.crt and its private key in tls.key, as type kubernetes.io/tls has them. */
export interface StoreTlsClientCertificateSecretRef {
  /** Name of the Secret. */
  readonly name: string;
}

/** Certificates for connections to the store. Changed ones are used by new connections, without a restart. Needs a version of the service that knows them; for an older one they are left out, as condition Accepted reports. Default: TLS as the address asks for, with the CA certificates of the system and no client certificate. */
export interface StoreTls {
  /** Secret or ConfigMap of this namespace with CA certificates (PEM), which are used instead of those of the system. For a change of the CA, have old and new in it for a while. */
  readonly caSecretRef?: CaRef;
  /** Secret or ConfigMap of this namespace with CA certificates (PEM), which are used instead of those of the system. For a change of the CA, have old and new in it for a while. */
  readonly caConfigMapRef?: CaRef;
  /** Secret of this namespace with the client certificate in tls.crt and its private key in tls.key, as type kubernetes.io/tls has them. */
  readonly clientCertificateSecretRef?: StoreTlsClientCertificateSecretRef;
}

/** External; version 2.12 or later with JetStream. */
export interface OpenIMClusterNatsExternal {
  /** URLs of the servers. */
  readonly servers: readonly string[];
  /** Secret of this namespace with the credentials. */
  readonly credentialsSecretRef?: CredentialsRef;
  /** Certificates for connections to the store. Changed ones are used by new connections, without a restart. Needs a version of the service that knows them; for an older one they are left out, as condition Accepted reports. Default: TLS as the address asks for, with the CA certificates of the system and no client certificate. */
  readonly tls?: StoreTls;
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
  /** Additions to the pod template: in spec.podTemplate of every role and managed store, in other sections of that one, where they take precedence. */
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
  /** Certificates for connections to the store. Changed ones are used by new connections, without a restart. Needs a version of the service that knows them; for an older one they are left out, as condition Accepted reports. Default: TLS as the address asks for, with the CA certificates of the system and no client certificate. */
  readonly tls?: StoreTls;
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
  /** Additions to the pod template: in spec.podTemplate of every role and managed store, in other sections of that one, where they take precedence. */
  readonly podTemplate?: PodTemplateSettings;
}

/** External. */
export interface OpenIMClusterRedisExternal {
  /** Secret of this namespace with the connection string. */
  readonly uriSecretRef: UriRef;
  /** Certificates for connections to the store. Changed ones are used by new connections, without a restart. Needs a version of the service that knows them; for an older one they are left out, as condition Accepted reports. Default: TLS as the address asks for, with the CA certificates of the system and no client certificate. */
  readonly tls?: StoreTls;
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
  /** Additions to the pod template: in spec.podTemplate of every role and managed store, in other sections of that one, where they take precedence. */
  readonly podTemplate?: PodTemplateSettings;
  /** Service for clients inside and, depending on type, outside the cluster. */
  readonly service?: ServiceSettings;
  /** HTTPRoute (Gateway API 1.2 or later) for all paths of its hosts. It has no time limit for WebSockets and objects. Condition ObjectsApplied reports when the API is not installed. */
  readonly httpRoute?: HttpRouteSettings;
}

/** External. */
export interface OpenIMClusterObjectStorageExternal {
  /** URL for the services. */
  readonly endpoint: string;
  /** Region. Default: us-east-1. */
  readonly region?: string;
  /** Secret: access key and secret key of credentialsSecretRef. Role: temporary credentials of the cloud role of the pods, by web identity (spec.serviceAccount.annotations), container endpoint or metadata service. Role needs a version of the service that knows it; for an older one it is left out, as condition Accepted reports. Default: Secret. */
  readonly credentials?: 'Secret' | 'Role';
  /** Secret of this namespace with the credentials. */
  readonly credentialsSecretRef?: CredentialsRef;
  /** Certificates for connections to the store. Changed ones are used by new connections, without a restart. Needs a version of the service that knows them; for an older one they are left out, as condition Accepted reports. Default: TLS as the address asks for, with the CA certificates of the system and no client certificate. */
  readonly tls?: StoreTls;
  /** The bucket is in the path of URLs; false: in the host name, as Alibaba OSS and Tencent COS require. Needs a version of the service that knows it; for an older one it is left out, as condition Accepted reports. Default: true. */
  readonly pathStyle?: boolean;
}

/** Thumbnails of pictures. Needs a version of the service that knows it; for an older one it is left out, as condition Accepted reports. */
export interface OpenIMClusterObjectStorageThumbnails {
  /** Whether they are made; false: pictures are served in their full size. Default: true. */
  readonly enabled?: boolean;
  /** Pictures decoded at once by an rpc pod. Default: 2. */
  readonly workers?: number;
  /** Most memory of each decoder in MiB; the pods of rpc need it besides their own. Default: 256. */
  readonly memoryMiB?: number;
}

/** S3-compatible storage of pictures, voice messages and files. */
export interface OpenIMClusterObjectStorage {
  /** SeaweedFS, managed by the operator. */
  readonly managed?: OpenIMClusterObjectStorageManaged;
  /** External. */
  readonly external?: OpenIMClusterObjectStorageExternal;
  /** Bucket, created when missing. Default: openim. */
  readonly bucket?: string;
  /** URL for clients. Default: from HTTPRoute, Service, or the endpoint. */
  readonly publicURL?: string;
  /** Each tenant has a bucket, <bucket>-<tenant>; false: all are in bucket, with keys that begin with <tenant>/, as storage requires whose bucket names are given, such as Tencent COS. Cannot change. Needs a version of the service that knows it; for an older one it is left out, as condition Accepted reports. Default: true. */
  readonly bucketPerTenant?: boolean;
  /** URL of a CDN or of a public bucket: pictures, sound and video are linked below it without a signature. {bucket} in it stands for the bucket, and is required with bucketPerTenant. Needs a version of the service that knows it; for an older one it is left out, as condition Accepted reports. Default: all URLs are signed. */
  readonly publicBaseURL?: string;
  /** Hours for which the signed URL of an object is valid. Needs a version of the service that knows it; for an older one it is left out, as condition Accepted reports. Default: 168. */
  readonly accessHours?: number;
  /** Origins of web clients that a bucket without CORS rules is opened to; an empty list leaves buckets as they are. Needs a version of the service that knows it; for an older one it is left out, as condition Accepted reports. Default: all (*). */
  readonly corsOrigins?: readonly string[];
  /** Thumbnails of pictures. Needs a version of the service that knows it; for an older one it is left out, as condition Accepted reports. */
  readonly thumbnails?: OpenIMClusterObjectStorageThumbnails;
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
  /** Burst of such messages. Takes effect without a restart. Default: 5. */
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

/** A condition. */
export interface OpenIMClusterAllowedTenantsNamespacesSelectorMatchExpression {
  /** Name of the label. */
  readonly key: string;
  /** How the label is compared. */
  readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
  /** Values for In and NotIn. */
  readonly values?: readonly string[];
}

/** Labels of the namespaces with from: Selector; an empty selector matches all. */
export interface OpenIMClusterAllowedTenantsNamespacesSelector {
  /** Labels with these values. */
  readonly matchLabels?: Readonly<Record<string, string>>;
  /** Conditions on labels, all of which must hold. */
  readonly matchExpressions?: readonly OpenIMClusterAllowedTenantsNamespacesSelectorMatchExpression[];
}

/** Namespaces whose tenants are served. */
export interface OpenIMClusterAllowedTenantsNamespaces {
  /** Same: this namespace; All: every namespace; Selector: this one, and those with the labels of selector. A tenant of another namespace is not served, and what is stored of it is kept. Default: Same. */
  readonly from?: 'Same' | 'All' | 'Selector';
  /** Labels of the namespaces with from: Selector; an empty selector matches all. */
  readonly selector?: OpenIMClusterAllowedTenantsNamespacesSelector;
}

/** OpenIMTenants that may use this cluster, and what limits them. Takes effect without a restart. Default: those of this namespace, without a class. */
export interface OpenIMClusterAllowedTenants {
  /** Namespaces whose tenants are served. */
  readonly namespaces?: OpenIMClusterAllowedTenantsNamespaces;
  /** OpenIMTenantClasses of this namespace that tenants may choose. Default: all. */
  readonly classes?: readonly string[];
  /** OpenIMTenantClass of tenants that choose none. Without it they have no ceilings. */
  readonly defaultClass?: string;
}

/** NetworkPolicies that admit only components of this cluster and the operator to internal ports. */
export interface OpenIMClusterNetworkPolicy {
  /** Whether they are created. Default: true. */
  readonly enabled?: boolean;
  /** Namespaces from which metrics may be scraped. */
  readonly monitoringNamespaces?: readonly string[];
}

/** A PodMonitor by which the Prometheus operator scrapes all processes. Prometheus needs access to the ops ports: see networkPolicy.monitoringNamespaces. */
export interface OpenIMClusterMonitoringPodMonitor {
  /** Whether it is made. Default: false. */
  readonly enabled?: boolean;
  /** Interval between scrapes; the alerts need 60 s or less. Default: 30. */
  readonly intervalSeconds?: number;
  /** Additional labels, by which a Prometheus selects it, such as release. Default: none. */
  readonly labels?: Readonly<Record<string, string>>;
}

/** A PrometheusRule with alerts, each with a runbook in docs/operations/runbooks.md. They need the labels of the PodMonitor. */
export interface OpenIMClusterMonitoringRules {
  /** Whether it is made. Default: false. */
  readonly enabled?: boolean;
  /** Additional labels, by which a Prometheus selects it, such as release. Default: none. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Address of the page of runbooks, which runbook_url leads to. Default: docs/operations/runbooks.md of this project. */
  readonly runbookURL?: string;
}

/** A ConfigMap with dashboards that the sidecar of Grafana's chart loads. */
export interface OpenIMClusterMonitoringDashboards {
  /** Whether it is made. Default: false. */
  readonly enabled?: boolean;
  /** Labels by which the sidecar finds it. Default: grafana_dashboard with value 1. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Folder in Grafana, as annotation grafana_folder. Default: that of the sidecar. */
  readonly folder?: string;
}

/** Objects for Prometheus and Grafana that the operator makes and, when they are switched off, deletes. They restart nothing, and nothing waits for them; condition MonitoringApplied reports when they cannot be made. */
export interface OpenIMClusterMonitoring {
  /** A PodMonitor by which the Prometheus operator scrapes all processes. Prometheus needs access to the ops ports: see networkPolicy.monitoringNamespaces. */
  readonly podMonitor?: OpenIMClusterMonitoringPodMonitor;
  /** A PrometheusRule with alerts, each with a runbook in docs/operations/runbooks.md. They need the labels of the PodMonitor. */
  readonly rules?: OpenIMClusterMonitoringRules;
  /** A ConfigMap with dashboards that the sidecar of Grafana's chart loads. */
  readonly dashboards?: OpenIMClusterMonitoringDashboards;
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
  /** The ServiceAccount that the operator creates for the pods. */
  readonly serviceAccount?: OpenIMClusterServiceAccount;
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
  /** Offline notifications of tenants without a section push. Needs a version of the service that knows it; for an older one it is left out, as condition Accepted reports. */
  readonly offlinePush?: OpenIMClusterOfflinePush;
  /** Webhooks of all tenants. */
  readonly webhooks?: OpenIMClusterWebhooks;
  /** The web console, which the pods of api serve, or with replicas pods of its own. A change restarts those pods. Needs a version of the service that knows it; for an older one it is left out, as condition Accepted reports. */
  readonly console?: OpenIMClusterConsole;
  /** Traces of requests and messages, by OpenTelemetry. */
  readonly tracing?: OpenIMClusterTracing;
  /** Scheduled jobs; always one pod. */
  readonly cron?: OpenIMClusterCron;
  /** Paused: the operator changes nothing of the cluster, until this is removed; it goes on serving, and status says so. Deletion is not paused. Default: Active. */
  readonly reconcile?: 'Active' | 'Paused';
  /** How a change of version or image is rolled out: step by step, each behind gates; a step that fails takes the cluster back to the revision before. */
  readonly upgrade?: OpenIMClusterUpgrade;
  /** A pod that sends checked messages between its own users at all times, in single chats and a group, through the Service of the gateways. It has its own tenant, openim-probe, whose messages are kept for a day. status.upgrade has what it found during an upgrade. */
  readonly prober?: OpenIMClusterProber;
  /** NATS with JetStream, which holds the message log. */
  readonly nats?: OpenIMClusterNats;
  /** MongoDB, the source of truth. */
  readonly mongodb?: OpenIMClusterMongodb;
  /** Redis 7 or Valkey, for caches, presence and limits. */
  readonly redis?: OpenIMClusterRedis;
  /** S3-compatible storage of pictures, voice messages and files. */
  readonly objectStorage?: OpenIMClusterObjectStorage;
  /** Additions to the pod template: in spec.podTemplate of every role and managed store, in other sections of that one, where they take precedence. */
  readonly podTemplate?: PodTemplateSettings;
  /** Limits of one user, unless spec.userLimits of their OpenIMTenant overrides them; more is refused with a retryable error (429) that names the limit. Administrators are not limited. Needs a version of the service that knows these limits; for an older one they are left out, as condition Accepted reports. */
  readonly limits?: OpenIMClusterLimits;
  /** Limits of failed authentication attempts per address; successful ones do not count. Needs a version of the service that knows these limits; for an older one they are left out, as condition Accepted reports. */
  readonly attempts?: OpenIMClusterAttempts;
  /** OpenIMTenants that may use this cluster, and what limits them. Takes effect without a restart. Default: those of this namespace, without a class. */
  readonly allowedTenants?: OpenIMClusterAllowedTenants;
  /** NetworkPolicies that admit only components of this cluster and the operator to internal ports. */
  readonly networkPolicy?: OpenIMClusterNetworkPolicy;
  /** Objects for Prometheus and Grafana that the operator makes and, when they are switched off, deletes. They restart nothing, and nothing waits for them; condition MonitoringApplied reports when they cannot be made. */
  readonly monitoring?: OpenIMClusterMonitoring;
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

/** The last decision of spec.gateway.autoscaling. */
export interface OpenIMClusterStatusAutoscaling {
  /** Number of gateways in force. */
  readonly desiredReplicas?: number;
  /** Why, in one word: Connections, Handshakes, EventLoopDelay, MinReplicas, MaxReplicas, ScaleUpStabilized, ScaleUpLimited, ScaleDownStabilized, ScaleDownLimited, ScaleDownFrozen, NotObserved. */
  readonly reason?: string;
  /** Explanation. */
  readonly message?: string;
  /** Why no gateway can be removed now; absent when one can. */
  readonly frozen?: string;
  /** Time of the last scale-out. */
  readonly lastScaleUpTime?: string;
  /** Time of the last scale-in. */
  readonly lastScaleDownTime?: string;
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

export interface OpenIMClusterStatusVolume {
  /** Name of the PersistentVolumeClaim. */
  readonly claim: string;
  /** nats, mongodb, redis, object-storage. */
  readonly store: string;
  /** Wanted size. */
  readonly requested: string;
  /** Real size; absent while there is no volume. */
  readonly capacity?: string;
  /** UpToDate, Pending (no volume yet), Resizing, FileSystemResizePending, Refused (see condition StorageResized). */
  readonly state: 'UpToDate' | 'Pending' | 'Resizing' | 'FileSystemResizePending' | 'Refused';
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
  /** URL of the web console; absent where it is not served. */
  readonly console?: string;
  /** Secret with adminUser and adminSecret of the default tenant. */
  readonly adminSecretRef?: OpenIMClusterStatusEndpointsAdminSecretRef;
}

/** The current or last rollout. */
export interface OpenIMClusterStatusRollout {
  /** Stage in progress; empty when complete. */
  readonly stage?: string;
  /** Start time. */
  readonly startedAt?: string;
  /** Generation of the spec that was rolled out completely last. */
  readonly completedGeneration?: number;
  /** What it waits for. */
  readonly message?: string;
}

export interface OpenIMClusterStatusUpgradeStep {
  /** Component, or gateway canary: new connections go to new gateways, those of the old ones stay. */
  readonly name: string;
  /** Start. */
  readonly startedAt?: string;
  /** When its pods were available. */
  readonly settledAt?: string;
  /** When the gates behind it were passed. */
  readonly passedAt?: string;
}

export interface OpenIMClusterStatusUpgradeGate {
  /** StoresReachable, LogLag, ProberClean. */
  readonly name: string;
  /** Passed, Waiting, Failed, Skipped. */
  readonly state: string;
  /** Explanation. */
  readonly message?: string;
}

/** Messages of the prober since the start; absent without one. */
export interface UpgradeProof {
  /** They were sent after this time; absent before the first round of the prober. */
  readonly from?: string;
  /** They were sent until this time. */
  readonly until?: string;
  /** Sent. */
  readonly sent?: number;
  /** Acknowledged. */
  readonly acknowledged?: number;
  /** Arrivals at connected devices. */
  readonly received?: number;
  /** Acknowledged, but not stored or not received. */
  readonly lost?: number;
  /** Stored or received twice. */
  readonly duplicated?: number;
  /** Out of order, or otherwise not as they were sent. */
  readonly reordered?: number;
  /** Longest time without any arrival, if that was over a second. */
  readonly longestGapMilliseconds?: number;
}

/** What it is expected to do. */
export interface UpgradeEstimate {
  /** Pods that are replaced. */
  readonly restarts?: number;
  /** Client connections that move. */
  readonly reconnects?: number;
  /** Duration in seconds. */
  readonly seconds?: number;
}

/** What it did; absent unless it has succeeded. */
export interface UpgradeFact {
  /** Pods that were replaced. */
  readonly restarts?: number;
  /** Client connections that gateways of the version before closed. */
  readonly reconnects?: number;
  /** Duration in seconds. */
  readonly seconds?: number;
  /** Time that a pod took to be replaced, gateways excluded; the next plan counts with it. */
  readonly secondsPerPod?: number;
  /** Time that the gates behind a step took in addition to the soak; the next plan counts with it. */
  readonly gateSeconds?: number;
}

/** The upgrade in progress or the last one. */
export interface OpenIMClusterStatusUpgrade {
  /** WaitingForWindow, WaitingForApproval, Paused, Queued, RollingOut, Verifying, Succeeded, RollingBack, RolledBack, Superseded. */
  readonly phase?: string;
  /** ControllerRevision that it goes to. */
  readonly revision?: string;
  /** ControllerRevision before, which a rollback goes back to. */
  readonly fromRevision?: string;
  /** Version that it goes to. */
  readonly version?: string;
  /** Version before. */
  readonly fromVersion?: string;
  /** Image that it goes to. */
  readonly image?: string;
  /** Image before. */
  readonly fromImage?: string;
  /** Start; absent while it waits. */
  readonly startedAt?: string;
  /** End. */
  readonly finishedAt?: string;
  /** Step in progress. */
  readonly step?: string;
  /** What it waits for, or why it failed. */
  readonly message?: string;
  /** When it failed. */
  readonly failedAt?: string;
  /** Why it failed, in one word: PodsFailing, StepDeadlineExceeded, StoresReachableTimeout, LogLagTimeout, ProberCleanTimeout, MessagesHarmed, RollbackRequested. */
  readonly failure?: string;
  /** Its steps in order. */
  readonly steps?: readonly OpenIMClusterStatusUpgradeStep[];
  /** Gates behind the step in progress. */
  readonly gates?: readonly OpenIMClusterStatusUpgradeGate[];
  /** Messages of the prober since the start; absent without one. */
  readonly proof?: UpgradeProof;
  /** What it is expected to do. */
  readonly plan?: UpgradeEstimate;
  /** What it did; absent unless it has succeeded. */
  readonly fact?: UpgradeFact;
}

export interface OpenIMClusterStatusUpgradeHistory {
  /** ControllerRevision that it went to. */
  readonly revision: string;
  /** Version that it went to. */
  readonly version?: string;
  /** Image that it went to. */
  readonly image?: string;
  /** Succeeded, RolledBack, Superseded. */
  readonly outcome: string;
  /** Start. */
  readonly startedAt?: string;
  /** End. */
  readonly finishedAt?: string;
  /** Why it failed. */
  readonly message?: string;
  /** Messages of the prober since the start; absent without one. */
  readonly proof?: UpgradeProof;
  /** What it is expected to do. */
  readonly plan?: UpgradeEstimate;
  /** What it did; absent unless it has succeeded. */
  readonly fact?: UpgradeFact;
}

/** Observed state: conditions at most five seconds old, figures as old as observedAt. */
export interface OpenIMClusterStatus {
  /** Generation of the spec that this status refers to. */
  readonly observedGeneration?: number;
  /** Ready, Accepted, NATSAvailable, MongoDBAvailable, RedisAvailable, ObjectStorageAvailable, WorkloadsAvailable, MessagesFlowing, ObjectsApplied, StorageResized, MonitoringApplied, UpgradeSucceeded, Paused, Progressing. */
  readonly conditions?: readonly OpenIMClusterStatusCondition[];
  /** Version of all pods; during a rollout the older one. */
  readonly version?: string;
  /** Time that the figures are from: connections, log, and those of gateways. They are rounded, and written every ten seconds at most. */
  readonly observedAt?: string;
  /** Client connections of all gateways, from 1,000 on with three significant digits. */
  readonly connections?: number;
  /** The last decision of spec.gateway.autoscaling. */
  readonly autoscaling?: OpenIMClusterStatusAutoscaling;
  /** Gateway pods of the current revision. */
  readonly gatewayReplicas?: number;
  /** Ready gateways of the current revision and desired gateways. */
  readonly gatewaysReady?: string;
  /** Selector of gateway pods. */
  readonly gatewaySelector?: string;
  /** Hash of the gateways' pod template. */
  readonly gatewayRevision?: string;
  /** Gateway pods that gateways does not list. */
  readonly gatewaysOmitted?: number;
  /** ControllerRevision that the cluster matched completely most recently; its images are in force. */
  readonly currentRevision?: string;
  /** ControllerRevision that the cluster is to match; equal to currentRevision when it does. */
  readonly updateRevision?: string;
  /** Gateway pods: up to 30 that drain, and of the others the 20 with the most trouble or connections. */
  readonly gateways?: readonly OpenIMClusterStatusGateway[];
  /** All components of the cluster. */
  readonly components?: readonly OpenIMClusterStatusComponent[];
  /** Volumes of managed stores. */
  readonly volumes?: readonly OpenIMClusterStatusVolume[];
  /** The message log. */
  readonly log?: OpenIMClusterStatusLog;
  /** Addresses for clients and administrators. */
  readonly endpoints?: OpenIMClusterStatusEndpoints;
  /** The current or last rollout. */
  readonly rollout?: OpenIMClusterStatusRollout;
  /** The upgrade in progress or the last one. */
  readonly upgrade?: OpenIMClusterStatusUpgrade;
  /** The last ten upgrades that have ended, newest first; recorded at their ControllerRevisions. */
  readonly upgradeHistory?: readonly OpenIMClusterStatusUpgradeHistory[];
  /** The effective spec, with all defaults. */
  readonly effective?: Readonly<Record<string, unknown>>;
}
