import type { OpenIMClusterStatusAutoscaling } from '../../gen/openimcluster.ts';
import type { TenantEntry } from '../../resources/config.ts';
import type { Delivery } from '../tenant/delivery.ts';
import type { Refusal, RevisionNames, RolloutState } from './observation/observation.ts';
import type { AspectsOutcome } from './run-aspects.ts';
import type { TenantRotations } from './tenant-rotations.ts';
import type { Rollback } from './upgrade/target.ts';
import type { UpgradeStep } from './upgrade/upgrades.ts';

/** Result of one reconcile. */
export interface Outcome extends Partial<AspectsOutcome> {
  readonly rollout: RolloutState;
  /** Names of the revisions that the cluster matched last, and that it is to match. */
  readonly revisions?: RevisionNames | undefined;
  readonly refusal?: Refusal | undefined;
  readonly failure?: unknown;
  /** Settings level of the services, and the fields that it leaves out. */
  readonly settings?: { readonly level: number; readonly leftOut: readonly string[] };
  /** The upgrade to the wanted revision. */
  readonly upgrade?: UpgradeStep | undefined;
  /** The way back from a failed one. */
  readonly rollback?: Rollback | undefined;
  readonly autoscaling?: OpenIMClusterStatusAutoscaling | undefined;
  /** What running processes are to have, once it is in their config. */
  readonly wantedTenants?: Delivery | undefined;
  /** Tenants of the applied config. */
  readonly tenantEntries?: readonly TenantEntry[] | undefined;
  readonly rotations?: TenantRotations | undefined;
}
