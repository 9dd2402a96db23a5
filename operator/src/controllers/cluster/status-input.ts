import type { Pod, Stored } from '@im/kube';
import type { OpenIMClusterStatus } from '../../gen/openimcluster.ts';
import type { EffectiveSpec } from '../../resources/effective.ts';
import type { Owner, Role } from '../../resources/names.ts';
import type { ClientEndpoints } from './endpoints.ts';
import type { Observation } from './observation.ts';

/** Why a spec is not carried out. */
export interface Refusal {
  /** One word: `SecretMissing`, `SecretKeyMissing`, `InvalidConfig`, ... */
  readonly reason: string;
  /** Names the field and the remedy. */
  readonly message: string;
}

/** A roll-out as the last reconcile left it. */
export interface RolloutState {
  /** Part that is being changed; undefined when everything is as it should be. */
  readonly stage?: string | undefined;
  readonly message: string;
}

/** What a status is made of. */
export interface StatusInput {
  readonly owner: Owner;
  readonly generation: number;
  readonly effective: EffectiveSpec;
  readonly refusal?: Refusal | undefined;
  /** An error of the last reconcile that will be tried again. */
  readonly failure?: string | undefined;
  readonly pods: readonly Stored<Pod>[];
  /** Pods of the wanted template, by component. */
  readonly updated: Readonly<Partial<Record<Role, number>>>;
  readonly observation: Observation;
  readonly rollout: RolloutState;
  readonly gatewayRevision?: string | undefined;
  /** Name of the config that was applied, by which processes tell that they have taken it over. */
  readonly configHash?: string | undefined;
  /** Level of the settings that the services know, and fields that they would refuse and are not told. */
  readonly settings?: { readonly level: number; readonly leftOut: readonly string[] } | undefined;
  readonly endpoints: ClientEndpoints;
  /** Partitions of the log. */
  readonly partitions: number;
  readonly before: OpenIMClusterStatus | undefined;
  readonly now: Date;
}
