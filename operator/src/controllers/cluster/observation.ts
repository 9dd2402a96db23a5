import type { ProcessStatus } from '@im/contract';
import type { Pod, Stored } from '@im/kube';
import type { CheckResult } from '../../checks/check.ts';
import type { OpenIMClusterStatus } from '../../gen/openimcluster.ts';
import type { EffectiveSpec } from '../../resources/effective.ts';
import type { Owner, Role } from '../../resources/names.ts';
import type { ClientEndpoints } from './endpoints.ts';

/** The stores, as status and checks call them. */
export const STORE_KEYS = ['nats', 'mongodb', 'redis', 'objectStorage'] as const;
export type StoreKey = (typeof STORE_KEYS)[number];

/** Last reports of pods and stores. An absent one has not been received yet, or the request failed. */
export interface Observation {
  /** By name of the pod. */
  readonly processes: ReadonlyMap<string, ProcessStatus>;
  readonly stores: Readonly<Partial<Record<StoreKey, CheckResult>>>;
}

export const NO_OBSERVATION: Observation = { processes: new Map(), stores: {} };

/** Why a spec is not applied. */
export interface Refusal {
  /** One word: `SecretMissing`, `SecretKeyMissing`, `InvalidConfig`, ... */
  readonly reason: string;
  /** Names the field and the remedy. */
  readonly message: string;
}

/** State of a rollout after the last reconcile. */
export interface RolloutState {
  /** Stage in progress; undefined when all components match the spec. */
  readonly stage?: string | undefined;
  readonly message: string;
}

/** Input of the status of a cluster. */
export interface StatusInput {
  readonly owner: Owner;
  readonly generation: number;
  readonly effective: EffectiveSpec;
  readonly refusal?: Refusal | undefined;
  /** Error of the last reconcile, which is retried. */
  readonly failure?: string | undefined;
  readonly pods: readonly Stored<Pod>[];
  /** Number of pods with the current template, by component. */
  readonly updated: Readonly<Partial<Record<Role, number>>>;
  readonly observation: Observation;
  readonly rollout: RolloutState;
  readonly gatewayRevision?: string | undefined;
  /** Hash of the applied config; processes report the hash that they have loaded. */
  readonly configHash?: string | undefined;
  /** Settings level of the services, and fields that are left out because they do not know them. */
  readonly settings?: { readonly level: number; readonly leftOut: readonly string[] } | undefined;
  readonly endpoints: ClientEndpoints;
  /** Partitions of the log. */
  readonly partitions: number;
  readonly before: OpenIMClusterStatus | undefined;
  readonly now: Date;
}
