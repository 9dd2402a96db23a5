import type {
  ConfigMap,
  Container,
  PersistentVolumeClaim,
  PodDisruptionBudget,
  PodSpec,
  PodTemplate,
  Secret,
  Service,
  StatefulSet,
  TopologySpreadConstraint,
} from '@im/kube';
import type { EffectiveSpec } from '../effective.ts';
import type { ManagedStore } from '../effective-stores.ts';
import { ANNOTATION, metadataOf, nameOf, type Owner, type StoreName, selectorLabels } from '../names.ts';
import { containerResources, type PodDefinition, podTemplate, templateHash } from '../pod-template.ts';
import { quantity } from '../quantity.ts';
import { encoded } from '../secrets.ts';

/** Input of the objects of a managed store. */
export interface StoreInput {
  readonly owner: Owner;
  readonly effective: EffectiveSpec;
  /** Passwords of `makeCredentials`. */
  readonly credentials: Readonly<Record<string, string>>;
  /** Observed StatefulSets, from which immutable fields are taken over. */
  readonly existing?: readonly StatefulSet[];
  /** A new value restarts the pods, one after the other. */
  readonly restartedAt?: string | undefined;
}

/** An object of a managed store. */
export type StoreManifest = ConfigMap | Secret | Service | StatefulSet | PodDisruptionBudget;

/** Name of the volume of every store. */
export const DATA_VOLUME = 'data';

/** Name of the headless Service that gives the pods of a store their names. */
export function podServiceName(cluster: string, component: StoreName): string {
  // The driver addresses members of a replica set, so MongoDB has no Service of another kind.
  return component === 'mongodb'
    ? nameOf.component(cluster, component)
    : `${nameOf.component(cluster, component)}-headless`;
}

/** Name of a pod of a store in the cluster's DNS; it exists as long as the pod does, ready or not. */
export function podHost(owner: Owner, component: StoreName, ordinal: number): string {
  const name = nameOf.component(owner.name, component);
  return `${name}-${ordinal}.${podServiceName(owner.name, component)}.${owner.namespace}.svc`;
}

/** What is specific to the StatefulSet of one store. */
interface StoreDefinition {
  readonly component: StoreName;
  readonly store: ManagedStore;
  readonly replicas: number;
  readonly container: Omit<Container, 'image' | 'imagePullPolicy' | 'resources'>;
  readonly dataPath: string;
  readonly volumes: NonNullable<PodSpec['volumes']>;
  readonly graceSeconds: number;
  /** Files that are read at startup only: a change restarts the pods. */
  readonly restartOn?: unknown;
  /**
   * Spread of the pods where the manifest sets none. By itself it restarts no pod: existing ones get it with the next
   * change of their template. @default the preference for different nodes and zones alone
   */
  readonly spread?: readonly TopologySpreadConstraint[];
}

/** The StatefulSet of a store, with a volume for its data and an empty /tmp. */
export function storeSet(input: StoreInput, parts: StoreDefinition): StatefulSet {
  const { owner, effective } = input;
  const { component, store, replicas, container, volumes } = parts;
  const name = nameOf.component(owner.name, component);
  const metadata = metadataOf(owner, name, component);
  const definition: PodDefinition = {
    annotations: {
      ...(parts.restartOn === undefined ? {} : { [ANNOTATION.restartHash]: templateHash(parts.restartOn) }),
      ...(input.restartedAt === undefined ? {} : { [ANNOTATION.restartedAt]: input.restartedAt }),
    },
    spec: {
      terminationGracePeriodSeconds: parts.graceSeconds,
      ...(effective.imagePullSecrets.length > 0 && {
        imagePullSecrets: effective.imagePullSecrets.map((ref) => ({ name: ref.name })),
      }),
      containers: [
        {
          ...container,
          image: store.image,
          imagePullPolicy: effective.imagePullPolicy,
          resources: containerResources(store.resources),
          volumeMounts: [
            { name: DATA_VOLUME, mountPath: parts.dataPath },
            { name: 'tmp', mountPath: '/tmp' },
            ...(container.volumeMounts ?? []),
          ],
        },
      ],
      volumes: [{ name: 'tmp', emptyDir: {} }, ...volumes],
    },
  };
  const template = spreadTemplate(input, parts, definition);
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { ...metadata, annotations: { [ANNOTATION.templateHash]: templateHash(template) } },
    spec: {
      replicas,
      serviceName: podServiceName(owner.name, component),
      // Members of a set wait for each other, so they are started together.
      podManagementPolicy: 'Parallel',
      updateStrategy: { type: 'RollingUpdate' },
      selector: { matchLabels: selectorLabels(owner.name, component) },
      // The operator deletes volumes itself, at the end of a cluster only: a deleted StatefulSet must take none along.
      persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' },
      template,
      volumeClaimTemplates: [volumeClaim(input, component, store)],
    },
  };
}

function spreadTemplate(
  { owner, existing }: StoreInput,
  { component, store, spread }: StoreDefinition,
  definition: PodDefinition,
): PodTemplate {
  const settings = store.podTemplate;
  const plain = podTemplate(owner, component, definition, settings);
  if (!spread || settings.affinity || settings.topologySpreadConstraints) return plain;
  const name = nameOf.component(owner.name, component);
  const running = existing?.find(({ metadata }) => metadata?.name === name);
  if (running?.metadata?.annotations?.[ANNOTATION.templateHash] === templateHash(plain)) return plain;
  const spec = { ...definition.spec, topologySpreadConstraints: [...spread] };
  return podTemplate(owner, component, { ...definition, spec }, settings);
}

/** The claim of a store's volume. The API server refuses any change of it, so an existing one is kept. */
function volumeClaim(
  { owner, existing }: StoreInput,
  component: StoreName,
  { storage }: ManagedStore,
): PersistentVolumeClaim {
  const name = nameOf.component(owner.name, component);
  const before = existing
    ?.find(({ metadata }) => metadata?.name === name && metadata.namespace === owner.namespace)
    ?.spec?.volumeClaimTemplates?.find(({ metadata }) => metadata?.name === DATA_VOLUME)?.spec;
  const size = before?.resources?.requests?.storage ?? storage.size;
  const storageClassName = before ? before.storageClassName : storage.storageClassName;
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    // No owner: the volume may outlive the cluster.
    metadata: { name: DATA_VOLUME, labels: metadataOf(owner, name, component).labels },
    spec: {
      accessModes: ['ReadWriteOnce'],
      ...(storageClassName === undefined ? {} : { storageClassName }),
      resources: { requests: { storage: size } },
    },
  };
}

/** A port of a store's container and Service. */
export interface StorePort {
  readonly name: string;
  readonly port: number;
}

/**
 * The headless Service of a store. It names pods that are not ready too: members must find each other before any of
 * them can be.
 */
export function podService(owner: Owner, component: StoreName, ports: readonly StorePort[]): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: metadataOf(owner, podServiceName(owner.name, component), component),
    spec: {
      type: 'ClusterIP',
      clusterIP: 'None',
      publishNotReadyAddresses: true,
      selector: selectorLabels(owner.name, component),
      ports: ports.map(({ name, port }) => ({ name, port, targetPort: name, protocol: 'TCP' })),
    },
  };
}

/** The Service by which clients inside the cluster reach a store. */
export function storeService(owner: Owner, component: StoreName, { name, port }: StorePort): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: metadataOf(owner, nameOf.component(owner.name, component), component),
    spec: {
      type: 'ClusterIP',
      selector: selectorLabels(owner.name, component),
      ports: [{ name, port, targetPort: name, protocol: 'TCP' }],
    },
  };
}

/** Files that a store reads at startup; those with passwords are in a Secret. */
export function storeFiles(
  owner: Owner,
  component: StoreName,
  { open = {}, secret = {} }: Partial<Record<'open' | 'secret', Readonly<Record<string, string>>>>,
): (ConfigMap | Secret)[] {
  const metadata = metadataOf(owner, nameOf.component(owner.name, component), component);
  const files: (ConfigMap | Secret)[] = [];
  if (Object.keys(open).length > 0) {
    files.push({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { ...open } });
  }
  if (Object.keys(secret).length > 0) {
    files.push({ apiVersion: 'v1', kind: 'Secret', metadata, type: 'Opaque', data: encoded(secret) });
  }
  return files;
}

/** Memory limit of a store's container in bytes, when it has one. */
export function memoryLimit({ resources }: ManagedStore): number | undefined {
  return quantity(resources.limits?.memory);
}

/** For programs in Go: the garbage collector works harder before the kernel kills them at the limit. */
export function goMemoryLimit(store: ManagedStore): NonNullable<Container['env']> {
  const limit = memoryLimit(store);
  return limit === undefined ? [] : [{ name: 'GOMEMLIMIT', value: `${Math.floor(limit * 0.9)}` }];
}

/** A password of {@link StoreInput.credentials}. @throws when it was never generated. */
export function credential({ credentials }: Pick<StoreInput, 'credentials'>, key: string): string {
  const value = credentials[key];
  if (value === undefined) throw new Error(`the credentials of managed stores lack ${key}`);
  return value;
}
