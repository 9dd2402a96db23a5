import {
  createKubeClient,
  type KubeClient,
  type KubeObject,
  type Pod as KubePod,
  keyOf,
  type ObjectKey,
  type ObjectMeta,
  type ResourceType,
  resourceType,
  type Stored,
} from '@im/kube';

/** A pod that the API server gave out. */
export type Pod = Stored<KubePod>;

export interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason?: string;
  readonly message?: string;
  readonly lastTransitionTime?: string;
}

/** The status of an OpenIMCluster, as far as tests hold the operator to it. */
export interface ClusterStatus {
  readonly observedGeneration?: number;
  readonly conditions?: readonly Condition[];
  readonly version?: string;
  readonly connections?: number;
  readonly autoscaling?: {
    readonly desiredReplicas?: number;
    readonly reason?: string;
    readonly message?: string;
    readonly frozen?: string;
  };
  readonly gatewayRevision?: string;
  readonly currentRevision?: string;
  readonly updateRevision?: string;
  readonly gateways?: readonly {
    readonly pod: string;
    readonly revision: string;
    readonly ready: boolean;
    readonly connections?: number;
    readonly draining?: boolean;
    readonly reason?: string;
  }[];
  readonly components?: readonly ComponentStatus[];
  readonly endpoints?: {
    readonly api?: string;
    readonly webSocket?: string;
    readonly objectStorage?: string;
    readonly adminSecretRef?: { readonly name?: string };
  };
  readonly rollout?: { readonly stage?: string; readonly message?: string };
  readonly upgrade?: UpgradeStatus;
  readonly upgradeHistory?: readonly {
    readonly outcome: string;
    readonly version?: string;
    readonly message?: string;
  }[];
}

/** An upgrade, as status has it. */
export interface UpgradeStatus {
  readonly phase?: string;
  readonly revision?: string;
  readonly version?: string;
  readonly step?: string;
  readonly message?: string;
  readonly failure?: string;
  readonly startedAt?: string;
  readonly finishedAt?: string;
  readonly failedAt?: string;
  readonly steps?: readonly {
    readonly name: string;
    readonly startedAt?: string;
    readonly settledAt?: string;
    readonly passedAt?: string;
  }[];
  readonly gates?: readonly { readonly name: string; readonly state: string; readonly message?: string }[];
  readonly plan?: UpgradeEstimate;
  readonly fact?: UpgradeEstimate & { readonly secondsPerPod?: number; readonly gateSeconds?: number };
  readonly proof?: {
    readonly from?: string;
    readonly until?: string;
    readonly sent: number;
    readonly acknowledged: number;
    readonly received: number;
    readonly lost: number;
    readonly duplicated: number;
    readonly reordered: number;
    readonly longestGapMilliseconds: number;
  };
}

/** What an upgrade does, as planned or as it was. */
export interface UpgradeEstimate {
  readonly restarts: number;
  readonly reconnects?: number;
  readonly seconds: number;
}

export interface ComponentStatus {
  readonly name: string;
  readonly ready: number;
  readonly desired: number;
  readonly updated?: number;
  readonly reason?: string;
}

/** An OpenIMCluster. */
export interface OpenIMCluster extends KubeObject {
  readonly metadata: ObjectMeta & { readonly name: string };
  readonly spec: Readonly<Record<string, unknown>>;
  readonly status?: ClusterStatus;
}

/** An OpenIMTenant. */
export interface OpenIMTenant extends KubeObject {
  readonly status?: {
    readonly conditions?: readonly Condition[];
    readonly adminSecretRef?: { readonly name?: string };
  };
}

export const OPENIM_CLUSTER = resourceType<OpenIMCluster>(
  'openim.io/v1alpha1',
  'OpenIMCluster',
  'openimclusters',
);
export const OPENIM_TENANT = resourceType<OpenIMTenant>(
  'openim.io/v1alpha1',
  'OpenIMTenant',
  'openimtenants',
);

/** A client of the API server for tests and `make up`. */
export function openKube(kubeconfigPath: string): Promise<KubeClient> {
  return createKubeClient({ kubeconfigPath, userAgent: 'openim-e2e' });
}

/** An object that must exist. @throws when it does not. */
export async function getExisting<T extends KubeObject>(
  api: KubeClient,
  type: ResourceType<T>,
  key: ObjectKey,
): Promise<Stored<T>> {
  const found = await api.get(type, key);
  if (!found) throw new Error(`there is no ${type.kind} ${keyOf(key)}`);
  return found;
}

export function conditionOf(status: ClusterStatus | undefined, type: string): Condition | undefined {
  return status?.conditions?.find((condition) => condition.type === type);
}

/** Whether everything in the spec is running. */
export function isReady({ metadata, status }: OpenIMCluster): boolean {
  return (
    status?.observedGeneration === metadata.generation && conditionOf(status, 'Ready')?.status === 'True'
  );
}

/** Whether, in addition, no roll-out is in progress. */
export function isSettled(cluster: OpenIMCluster): boolean {
  return isReady(cluster) && conditionOf(cluster.status, 'Progressing')?.status === 'False';
}

/** Conditions that sum up others, or are about a rollout. */
const NOT_PARTS = new Set([
  'Ready',
  'Available',
  'UpgradeSucceeded',
  'Paused',
  'Progressing',
  'Reconciling',
  'Stalled',
]);

/** What keeps a cluster from being ready, in one line. */
export function waitsFor({ metadata, status }: OpenIMCluster): string {
  if (!status?.conditions) return 'the operator has not looked at it yet';
  if (status.observedGeneration !== metadata.generation)
    return 'the operator has not seen the last change yet';
  const behind = (status.components ?? [])
    .filter(({ ready, desired }) => ready < desired)
    .map(({ name, ready, desired }) => `${name} ${ready}/${desired}`);
  if (behind.length > 0) return `pods that are not ready: ${behind.join(', ')}`;
  const bad = status.conditions.find(({ type, status: value }) => !NOT_PARTS.has(type) && value !== 'True');
  if (bad) return `${bad.type}: ${bad.message ?? bad.reason ?? bad.status}`;
  const { stage = '', message = '' } = status.rollout ?? {};
  return stage === '' ? 'the operator says nothing' : `${stage}: ${message}`;
}
