import {
  type Deployment,
  type KubeObject,
  keyOf,
  type PersistentVolumeClaim,
  type Pod,
  type StatefulSet,
  type Stored,
} from '@im/kube';
import type { EffectiveSpec } from '../../resources/effective.ts';
import type { OpenIMCluster } from '../../resources/kinds.ts';
import {
  nameOf,
  OPS_PORT_NAME,
  type Owner,
  REVISION_LABEL,
  ROLES,
  type Role,
} from '../../resources/names.ts';
import type { Children } from './children.ts';
import {
  type ClientEndpoints,
  clientEndpoints,
  type EndpointSources,
  type ObjectsURL,
  steadyObjectsURL,
} from './endpoints.ts';
import type { Target } from './observer.ts';
import type { RolePod } from './rpc-key.ts';

/** The owner of a cluster's objects. */
export function ownerOf({ metadata }: Stored<OpenIMCluster>): Owner {
  return { name: metadata.name, namespace: metadata.namespace ?? '', uid: metadata.uid };
}

/** The `objects` that belong to the cluster of this name. */
export function ofCluster<T extends KubeObject>(objects: readonly Stored<T>[], name: string): Stored<T>[] {
  return objects.filter(({ metadata }) => metadata.labels?.['app.kubernetes.io/instance'] === name);
}

/** One cluster's objects in the local copies of the informers. Every call reads the current copies. */
export class ObservedCluster {
  readonly owner: Owner;
  readonly #children: Children;

  constructor(owner: Owner, children: Children) {
    this.owner = owner;
    this.#children = children;
  }

  /** Pods of processes and stores. */
  pods(): readonly Stored<Pod>[] {
    return ofCluster(this.#children.pods.list(this.owner.namespace), this.owner.name);
  }

  gatewayPods(): readonly Stored<Pod>[] {
    return this.pods().filter(({ metadata }) => metadata.labels?.[REVISION_LABEL] !== undefined);
  }

  /** Deployments of all revisions of the gateways. */
  gatewayDeployments(): readonly Stored<Deployment>[] {
    return this.#children.deployments
      .ownedBy(this.owner.uid)
      .filter(({ metadata }) => metadata.labels?.[REVISION_LABEL] !== undefined);
  }

  /** Revision that the Service sends new connections to. */
  selectedRevision(): string | undefined {
    return this.#service('gateway')?.spec?.selector?.[REVISION_LABEL];
  }

  statefulSets(): readonly Stored<StatefulSet>[] {
    return this.#children.statefulSets.ownedBy(this.owner.uid);
  }

  volumeClaims(): readonly Stored<PersistentVolumeClaim>[] {
    return ofCluster(this.#children.volumeClaims.list(this.owner.namespace), this.owner.name);
  }

  /** Number of pods with the current template, for roles with one Deployment. */
  updatedPods(role: Exclude<Role, 'gateway'>): number {
    const name = nameOf.component(this.owner.name, role);
    return this.#children.deployments.get(this.#key(name))?.status?.updatedReplicas ?? 0;
  }

  /** Scheduled pods of the roles that have not ended, including terminating ones. */
  rolePods(): readonly RolePod[] {
    return this.pods().flatMap(({ metadata, status, spec }) => {
      const role = metadata.labels?.['app.kubernetes.io/component'];
      const [container] = spec?.containers.filter(({ name }) => name === role) ?? [];
      const unscheduled = status?.phase === 'Pending' && spec?.nodeName === undefined;
      const ended = status?.phase === 'Succeeded' || status?.phase === 'Failed';
      if (!container || unscheduled || ended || !ROLES.some((each) => each === role)) return [];
      return [{ name: metadata.name, image: container.image ?? '' }];
    });
  }

  /** Whether there is a workload of any role. */
  hasWorkloads(): boolean {
    return this.#children.deployments.ownedBy(this.owner.uid).length > 0 || this.rolePods().length > 0;
  }

  /** Running processes with an ops port. */
  targets(): readonly Target[] {
    return this.pods().flatMap(({ metadata, status, spec }) => {
      const host = status?.podIP;
      const hasOpsPort = spec?.containers.some(({ ports }) =>
        ports?.some(({ name }) => name === OPS_PORT_NAME),
      );
      return hasOpsPort && host !== undefined && status?.phase === 'Running'
        ? [{ pod: metadata.name, host }]
        : [];
    });
  }

  /** Where clients reach the cluster. */
  endpoints(effective: EffectiveSpec): ClientEndpoints {
    return clientEndpoints(this.#sources(effective));
  }

  /** Where objects are reached; stable when pods are replaced. @param published the address in status so far. */
  objectsURL(effective: EffectiveSpec, published: string | undefined): ObjectsURL {
    return steadyObjectsURL(this.#sources(effective), published);
  }

  #sources(effective: EffectiveSpec): EndpointSources {
    return {
      owner: this.owner,
      effective,
      services: {
        gateway: this.#service('gateway'),
        api: this.#service('api'),
        'object-storage': this.#service('object-storage'),
      },
      nodeAddress: this.pods().find(({ status }) => status?.hostIP !== undefined)?.status?.hostIP,
    };
  }

  #service(component: 'gateway' | 'api' | 'object-storage') {
    return this.#children.services.get(this.#key(nameOf.component(this.owner.name, component)));
  }

  #key(name: string): string {
    return keyOf({ namespace: this.owner.namespace, name });
  }
}
