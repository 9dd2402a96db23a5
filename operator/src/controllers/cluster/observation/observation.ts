import type { ProcessStatus } from '@im/contract';
import type { PersistentVolumeClaim, Pod, Stored } from '@im/kube';
import type { CheckResult } from '../../../checks/check.ts';
import type { OpenIMClusterStatus, OpenIMClusterStatusAutoscaling } from '../../../gen/openimcluster.ts';
import type { EffectiveSpec } from '../../../resources/effective.ts';
import type { Owner, ProcessRole } from '../../../resources/names.ts';
import type { AspectReports } from '../aspect-report.ts';
import type { ClientEndpoints } from '../endpoints.ts';
import type { Volume } from '../stores/volume-plan.ts';

/** The stores, as status and checks call them. */
export const STORE_KEYS = ['nats', 'mongodb', 'redis', 'objectStorage'] as const;
export type StoreKey = (typeof STORE_KEYS)[number];

/** What a process reported, and when. */
export interface Report {
  /** Time of the answer, ms since the epoch. */
  readonly at: number;
  readonly status: ProcessStatus;
}

/** Reports of pods and results of checks, each the last one received. */
export interface Observation {
  /** Processes that answered within the last ten seconds, by name of the pod. */
  readonly processes: ReadonlyMap<string, ProcessStatus>;
  /** Last report of every running pod that has answered, of any age. */
  readonly reports: ReadonlyMap<string, Report>;
  /** Reports of gateways in the last minute, oldest first, by name of the pod. */
  readonly looks: ReadonlyMap<string, readonly Report[]>;
  /** Ready gateways that have not answered for ten seconds, by name. */
  readonly silentGateways: readonly string[];
  /** Whether every ready gateway answered within the last ten seconds. Nothing is taken away without it. */
  readonly complete: boolean;
  /** End of the last poll, ms since the epoch; undefined before the first. */
  readonly observedAt: number | undefined;
  readonly stores: Readonly<Partial<Record<StoreKey, CheckResult>>>;
}

export const NO_OBSERVATION: Observation = {
  processes: new Map(),
  reports: new Map(),
  looks: new Map(),
  silentGateways: [],
  complete: false,
  observedAt: undefined,
  stores: {},
};

/** Why a spec is not applied. */
export interface Refusal {
  /** One word: `SecretMissing`, `SecretKeyMissing`, `InvalidConfig`, ... */
  readonly reason: string;
  /** Names the field and the remedy. */
  readonly message: string;
}

/** Stage of a cluster that waits for the creation or rollout of others. */
export const QUEUED = 'queued';
/** Stage of a cluster that is not reconciled. */
export const PAUSED_STAGE = 'paused';

/** State of a rollout after the last reconcile. */
export interface RolloutState {
  /** Stage in progress; undefined when all components match the spec. */
  readonly stage?: string | undefined;
  readonly message: string;
  /** Reason of the wait, one word. @default that of a rollout in progress */
  readonly reason?: string | undefined;
  /** Stages with changes that wait for `stage`. */
  readonly behind?: readonly string[] | undefined;
}

/** Why the controllers of Kubernetes cannot create pods of a component. */
export interface MissingPods {
  /** Names what refuses them and the remedy. */
  readonly message: string;
  /** Since when, ms since the epoch. */
  readonly since: number;
}

/** Names of the revisions of a cluster. */
export interface RevisionNames {
  /** The one that the cluster matched completely most recently. */
  readonly current: string | undefined;
  /** The wanted one. */
  readonly update: string;
}

/** Input of the status of a cluster. */
export interface StatusInput {
  readonly owner: Owner;
  readonly generation: number;
  readonly effective: EffectiveSpec;
  readonly refusal?: Refusal | undefined;
  /** What the aspects of the last reconcile report; absent when the spec was refused. */
  readonly aspects?: AspectReports | undefined;
  /** Error of the last reconcile, which is retried. */
  readonly failure?: string | undefined;
  readonly pods: readonly Stored<Pod>[];
  /** Components whose pods cannot be created, by label. */
  readonly missing?: Readonly<Record<string, MissingPods>> | undefined;
  /** Volumes of managed stores, compared with the spec; absent when the spec was refused. */
  readonly storage?: readonly Volume[] | undefined;
  /** Volume claims of the stores. */
  readonly volumes?: readonly Stored<PersistentVolumeClaim>[] | undefined;
  /** The cluster is being deleted: its conditions stay as they were. */
  readonly deleting?: boolean | undefined;
  /** Number of pods with the current template, by component. */
  readonly updated: Readonly<Partial<Record<ProcessRole, number>>>;
  readonly observation: Observation;
  readonly rollout: RolloutState;
  readonly gatewayRevision?: string | undefined;
  /** Hashes of the applied config, by what pods mount; processes report the hash that they have loaded. */
  readonly configHashes?: ReadonlySet<string> | undefined;
  readonly revisions?: RevisionNames | undefined;
  /** Settings level of the services, and fields that are left out because they do not know them. */
  readonly settings?: { readonly level: number; readonly leftOut: readonly string[] } | undefined;
  /** The last decision on the number of gateways; undefined without autoscaling. */
  readonly autoscaling?: OpenIMClusterStatusAutoscaling | undefined;
  /** Upgrades; absent when they were not looked at. */
  readonly upgrades?: Pick<OpenIMClusterStatus, 'upgrade' | 'upgradeHistory'> | undefined;
  /** Whether the spec pauses the operator. @default false */
  readonly paused?: boolean;
  readonly endpoints: ClientEndpoints;
  /** Partitions of the log. */
  readonly partitions: number;
  readonly before: OpenIMClusterStatus | undefined;
  readonly now: Date;
}
