import type { Metrics } from '@im/kit';
import {
  type Applied,
  type Applier,
  CONFIG_MAP,
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
  type ResourceType,
  SECRET,
  SERVICE,
  SERVICE_ACCOUNT,
  STATEFUL_SET,
  type Stored,
} from '@im/kube';
import type { Logger } from '@im/process';
import { MANAGED_BY } from '../../resources/names.ts';

/** Types of the objects that a cluster is made of. */
const TYPES = {
  deployments: DEPLOYMENT,
  statefulSets: STATEFUL_SET,
  services: SERVICE,
  configMaps: CONFIG_MAP,
  secrets: SECRET,
  serviceAccounts: SERVICE_ACCOUNT,
  disruptionBudgets: POD_DISRUPTION_BUDGET,
  networkPolicies: NETWORK_POLICY,
  ingresses: INGRESS,
  pods: POD,
  volumeClaims: PERSISTENT_VOLUME_CLAIM,
} as const;

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
    createInformer<KubeObject>({ ...deps, type: type as ResourceType<KubeObject>, labelSelector }),
  ]);
  return Object.fromEntries(entries) as Children;
}

/** Applies manifests of any type of {@link Children}. */
export class ManifestApplier {
  readonly #applier: Applier;
  readonly #byKind: ReadonlyMap<string, Informer<KubeObject>>;

  constructor(applier: Applier, children: Children) {
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

  /** Creates the object, or sets the operator's fields of it. */
  apply<T extends KubeObject>(manifest: T, signal: AbortSignal): Promise<Applied<T>> {
    const informer = this.#informer(manifest) as unknown as Informer<T>;
    return this.#applier.apply(informer.type, manifest, informer.get(keyOf(manifest)), { signal });
  }

  #informer(manifest: KubeObject): Informer<KubeObject> {
    const informer = this.#byKind.get(manifest.kind ?? '');
    if (!informer) throw new TypeError(`${manifest.kind} is not among the types of a cluster's objects`);
    return informer;
  }
}
