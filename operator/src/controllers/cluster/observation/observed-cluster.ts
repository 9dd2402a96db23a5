import {
  type ConfigMap,
  type ControllerRevision,
  type Deployment,
  keyOf,
  type PersistentVolumeClaim,
  type Pod,
  type Secret,
  type StatefulSet,
  type Stored,
} from '@im/kube';
import type { EffectiveSpec } from '../../../resources/effective.ts';
import type { HTTPRoute } from '../../../resources/http-routes.ts';
import type { OpenIMCluster } from '../../../resources/kinds.ts';
import {
  ANNOTATION,
  type ClientComponent,
  nameOf,
  OPS_PORT_NAME,
  type Owner,
  PROCESS_ROLES,
  REVISION_LABEL,
  type Role,
} from '../../../resources/names.ts';
import { decoded } from '../../../resources/secrets.ts';
import { indexIn, type ObservedShards, shardFile, shardNames } from '../../../resources/tenant-shards.ts';
import { mountsOf, mountsShards, type ObservedMounts } from '../../../resources/workloads.ts';
import { parseVersion, type TenantsVersion } from '../../tenant/wanted.ts';
import { type Children, ofCluster } from '../children.ts';
import {
  type ClientEndpoints,
  clientEndpoints,
  type EndpointSources,
  type ObjectsURL,
  steadyObjectsURL,
} from '../endpoints.ts';
import type { RolePod } from '../rpc-key.ts';
import type { Workloads } from '../status/missing-pods.ts';
import { isReady } from '../status/pod-problem.ts';
import type { Target } from './reports.ts';

/** The owner of a cluster's objects. */
export function ownerOf({ metadata }: Stored<OpenIMCluster>): Owner {
  return { name: metadata.name, namespace: metadata.namespace ?? '', uid: metadata.uid };
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
    return ofCluster(this.#children.pods, keyOf(this.owner));
  }

  gatewayPods(): readonly Stored<Pod>[] {
    return this.pods().filter(({ metadata }) => metadata.labels?.[REVISION_LABEL] !== undefined);
  }

  /** Version of the list of tenants in the newest config. */
  tenantsVersion(): TenantsVersion | undefined {
    return this.#children.configMaps
      .ownedBy(this.owner.uid)
      .flatMap(({ metadata }) => parseVersion(metadata.annotations?.[ANNOTATION.tenants]) ?? [])
      .sort((a, b) => b.revision - a.revision)[0];
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

  /** All Deployments and StatefulSets. */
  workloads(): Workloads {
    return {
      deployments: this.#children.deployments.ownedBy(this.owner.uid),
      statefulSets: this.statefulSets(),
    };
  }

  /** The Deployment of a role other than the gateway. */
  deployment(role: Role): Stored<Deployment> | undefined {
    const name = nameOf.component(this.owner.name, role);
    return this.#children.deployments.ownedBy(this.owner.uid).find(({ metadata }) => metadata.name === name);
  }

  /** The HTTPRoutes of all components. */
  httpRoutes(): readonly Stored<HTTPRoute>[] {
    return this.#children.httpRoutes.ownedBy(this.owner.uid);
  }

  statefulSets(): readonly Stored<StatefulSet>[] {
    return this.#children.statefulSets.ownedBy(this.owner.uid);
  }

  /** Recorded revisions of the cluster. */
  controllerRevisions(): readonly Stored<ControllerRevision>[] {
    return this.#children.controllerRevisions.ownedBy(this.owner.uid);
  }

  configMaps(): readonly Stored<ConfigMap>[] {
    return this.#children.configMaps.ownedBy(this.owner.uid);
  }

  secrets(): readonly Stored<Secret>[] {
    return this.#children.secrets.ownedBy(this.owner.uid);
  }

  /** The shards of tenants as they are stored. */
  tenantShards(): ObservedShards {
    const { name } = this.owner;
    const shardOf = new Map(shardNames(name).map((each, shard) => [each, shard]));
    const files = new Map<number, string>();
    const secrets = new Map<number, Readonly<Record<string, string>>>();
    let index: ObservedShards['index'];
    for (const { metadata, data } of this.configMaps()) {
      const shard = shardOf.get(metadata.name);
      if (metadata.name === nameOf.tenants(name)) index = indexIn(data);
      else if (shard !== undefined) files.set(shard, data?.[shardFile(shard)] ?? '');
    }
    for (const { metadata, data } of this.secrets()) {
      const shard = shardOf.get(metadata.name);
      if (shard !== undefined) secrets.set(shard, decoded(data));
    }
    return { index, files, secrets };
  }

  /** Lowest settings level that an existing config was rendered for; undefined when none says so. */
  settingsLevel(): number | undefined {
    const levels = this.configMaps().flatMap(({ metadata }) => {
      const level = metadata.annotations?.[ANNOTATION.settingsLevel];
      return level === undefined ? [] : [Number(level)];
    });
    return levels.length === 0 ? undefined : Math.min(...levels);
  }

  /** What Deployments and pods of the roles mount. */
  mounts(): readonly ObservedMounts[] {
    const templates = this.#children.deployments
      .ownedBy(this.owner.uid)
      .flatMap(({ spec }) => (spec?.template === undefined ? [] : [spec.template]));
    return [...templates, ...this.pods()].flatMap(({ metadata, spec }) => {
      const component = metadata?.labels?.['app.kubernetes.io/component'];
      const role = PROCESS_ROLES.find((each) => each === component);
      const mounts = mountsOf(spec?.volumes);
      if (role === undefined || mounts === undefined) return [];
      const shards = mountsShards(spec?.volumes);
      return [{ role, restartHash: metadata?.annotations?.[ANNOTATION.restartHash], ...mounts, shards }];
    });
  }

  volumeClaims(): readonly Stored<PersistentVolumeClaim>[] {
    return ofCluster(this.#children.volumeClaims, keyOf(this.owner));
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
      if (!container || unscheduled || ended || !PROCESS_ROLES.some((each) => each === role)) return [];
      return [{ name: metadata.name, image: container.image ?? '' }];
    });
  }

  /** Whether there is a workload of any role. */
  hasWorkloads(): boolean {
    return this.#children.deployments.ownedBy(this.owner.uid).length > 0 || this.rolePods().length > 0;
  }

  /** When its first workload was created, ms since the epoch; undefined while there is none. */
  firstWorkloadAt(): number | undefined {
    const { deployments, statefulSets } = this.workloads();
    const times = [...deployments, ...statefulSets].map(({ metadata }) =>
      Date.parse(metadata.creationTimestamp ?? ''),
    );
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** Running processes with an ops port. */
  targets(): readonly Target[] {
    return this.pods().flatMap((pod) => {
      const { metadata, status, spec } = pod;
      const host = status?.podIP;
      const hasOpsPort = spec?.containers.some(({ ports }) =>
        ports?.some(({ name }) => name === OPS_PORT_NAME),
      );
      return hasOpsPort && host !== undefined && status?.phase === 'Running'
        ? [
            {
              pod: metadata.name,
              host,
              role: metadata.labels?.['app.kubernetes.io/component'] ?? '',
              ready: isReady(pod),
            },
          ]
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
        console: this.#service('console'),
        'object-storage': this.#service('object-storage'),
      },
      nodeAddress: this.pods().find(({ status }) => status?.hostIP !== undefined)?.status?.hostIP,
    };
  }

  #service(component: ClientComponent) {
    return this.#children.services.get(this.#key(nameOf.component(this.owner.name, component)));
  }

  #key(name: string): string {
    return keyOf({ namespace: this.owner.namespace, name });
  }
}
