import type { Metrics } from '@im/kit';
import {
  type Applied,
  type Applier,
  CONFIG_MAP,
  CONTROLLER_REVISION,
  createInformer,
  DEPLOYMENT,
  INGRESS,
  type Informer,
  type KubeClient,
  type KubeObject,
  keyOf,
  NETWORK_POLICY,
  PERSISTENT_VOLUME_CLAIM,
  POD,
  POD_DISRUPTION_BUDGET,
  type Pod,
  type ResourceType,
  SECRET,
  SERVICE,
  SERVICE_ACCOUNT,
  STATEFUL_SET,
  type Stored,
} from '@im/kube';
import type { Logger } from '@im/process';
import { HTTP_ROUTE } from '../../resources/http-routes.ts';
import { POD_MONITOR } from '../../resources/monitoring/pod-monitor.ts';
import { PROMETHEUS_RULE } from '../../resources/monitoring/prometheus-rule.ts';
import { MANAGED_BY } from '../../resources/names.ts';
import { isRevisionVolume } from '../../resources/workloads.ts';
import { type Claimant, requireOurs } from './ownership.ts';

/** Types of the objects that a cluster is made of. */
const TYPES = {
  deployments: DEPLOYMENT,
  statefulSets: STATEFUL_SET,
  controllerRevisions: CONTROLLER_REVISION,
  services: SERVICE,
  configMaps: CONFIG_MAP,
  secrets: SECRET,
  serviceAccounts: SERVICE_ACCOUNT,
  disruptionBudgets: POD_DISRUPTION_BUDGET,
  networkPolicies: NETWORK_POLICY,
  ingresses: INGRESS,
  httpRoutes: HTTP_ROUTE,
  podMonitors: POD_MONITOR,
  prometheusRules: PROMETHEUS_RULE,
  pods: POD,
  volumeClaims: PERSISTENT_VOLUME_CLAIM,
} as const;

/** Those that others add to Kubernetes: the Gateway API and the Prometheus operator. */
const ADDITIONS: ReadonlySet<string> = new Set(['httpRoutes', 'podMonitors', 'prometheusRules']);

/** Index of all objects by the key of their cluster. */
const BY_CLUSTER = 'cluster';

/** The key of the cluster that an object belongs to, by its labels. */
export function clusterKeysOf({ metadata }: Stored<KubeObject>): string[] {
  const name = metadata.labels?.['app.kubernetes.io/instance'];
  return name === undefined ? [] : [keyOf({ namespace: metadata.namespace, name })];
}

/** The objects in an informer of {@link Children} that belong to the cluster `namespace/name`. */
export function ofCluster<T extends KubeObject>(
  informer: Informer<T>,
  cluster: string,
): readonly Stored<T>[] {
  return informer.byIndex(BY_CLUSTER, cluster);
}

/** What is kept of a pod: the operator writes none, and reads only this. */
export function briefPod(pod: Stored<KubeObject>): Stored<KubeObject> {
  const { metadata, spec, status, ...type } = pod as Stored<Pod>;
  const { managedFields: _, ...kept } = metadata;
  const containers = (spec?.containers ?? []).map(({ name, image, ports }) => ({ name, image, ports }));
  const volumes = spec?.volumes?.filter(isRevisionVolume);
  const { phase, reason, message, podIP, hostIP, conditions } = status ?? {};
  const containerStatuses = status?.containerStatuses?.map(({ resources: __, ...each }) => each);
  const brief: Stored<Pod> = {
    ...type,
    metadata: kept,
    spec: {
      containers,
      volumes,
      nodeName: spec?.nodeName,
      terminationGracePeriodSeconds: spec?.terminationGracePeriodSeconds,
    },
    status: { phase, reason, message, podIP, hostIP, conditions, containerStatuses },
  };
  return brief;
}

type InformerOf<T> = T extends ResourceType<infer O> ? Informer<O> : never;

/** Local copies of all objects that the operator created, and of their pods and volume claims. */
export type Children = { readonly [K in keyof typeof TYPES]: InformerOf<(typeof TYPES)[K]> };

/** Informers for all objects with the operator's label, in one namespace or in all. */
export function watchChildren(deps: {
  readonly client: KubeClient;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly namespace?: string | undefined;
}): Children {
  const labelSelector = `app.kubernetes.io/managed-by=${MANAGED_BY}`;
  const entries = Object.entries(TYPES).map(([name, type]) => [
    name,
    createInformer<KubeObject>({
      ...deps,
      type: type as ResourceType<KubeObject>,
      labelSelector,
      indexes: { [BY_CLUSTER]: clusterKeysOf },
      ...(name === 'pods' ? { keep: briefPod } : {}),
      optional: ADDITIONS.has(name),
    }),
  ]);
  return Object.fromEntries(entries) as Children;
}

/** Applies manifests of any type of {@link Children}; objects that do not belong to the cluster are never changed. */
export class ManifestApplier {
  readonly #client: KubeClient;
  readonly #applier: Applier;
  readonly #byKind: ReadonlyMap<string, Informer<KubeObject>>;

  /** @param client reads objects before they are created. */
  constructor(client: KubeClient, applier: Applier, children: Children) {
    this.#client = client;
    this.#applier = applier;
    this.#byKind = new Map(
      Object.values(children).map((informer) => [
        informer.type.kind,
        informer as unknown as Informer<KubeObject>,
      ]),
    );
  }

  /** The object in the local copy. */
  observed(manifest: KubeObject): Stored<KubeObject> | undefined {
    return this.#informer(manifest).get(keyOf(manifest));
  }

  /** The type of a manifest. @throws TypeError for a kind that is not among the children's. */
  typeOf(manifest: KubeObject): ResourceType<KubeObject> {
    return this.#informer(manifest).type;
  }

  /**
   * Creates the object, or sets the operator's fields of it.
   * @throws ForeignObjectError when the object exists and does not belong to the cluster that controls the manifest.
   */
  async apply<T extends KubeObject>(
    manifest: T,
    signal: AbortSignal,
    deadlineMs?: number,
  ): Promise<Applied<T>> {
    const informer = this.#informer(manifest) as unknown as Informer<T>;
    const observed = informer.get(keyOf(manifest));
    const options = { signal, deadlineMs };
    const key = { namespace: manifest.metadata?.namespace, name: manifest.metadata?.name ?? '' };
    // The local copies hold only objects with the operator's label.
    const existing = observed ?? (await this.#client.get(informer.type, key, options));
    if (existing) requireOurs(existing, claimantOf(manifest));
    return await this.#applier.apply(informer.type, manifest, observed, options);
  }

  #informer(manifest: KubeObject): Informer<KubeObject> {
    const informer = this.#byKind.get(manifest.kind ?? '');
    if (!informer) throw new TypeError(`${manifest.kind} is not among the types of a cluster's objects`);
    return informer;
  }
}

/** The cluster that controls a manifest. */
function claimantOf({ kind, metadata }: KubeObject): Claimant {
  const controller = metadata?.ownerReferences?.find((owner) => owner.controller);
  if (!controller) throw new TypeError(`${kind} ${metadata?.name} is applied without an owner`);
  return controller;
}
