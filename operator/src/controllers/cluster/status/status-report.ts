import { PARTITIONS } from '@im/contract';
import { messageOf } from '@im/kit';
import { type CoreEvent, type Informer, keyOf, type Stored } from '@im/kube';
import type { OpenIMClusterStatus } from '../../../gen/openimcluster.ts';
import type { EffectiveSpec } from '../../../resources/effective.ts';
import type { OpenIMCluster } from '../../../resources/kinds.ts';
import type { ObservedCluster } from '../observation/observed-cluster.ts';
import type { Observer } from '../observation/observer.ts';
import { publishedObjectsURL } from '../observation/running.ts';
import type { Outcome } from '../outcome.ts';
import { steadyText } from '../problem.ts';
import { revisionsOf } from '../revisions.ts';
import { upgradeStatus } from '../upgrade/status.ts';
import { missingPods } from './missing-pods.ts';
import { clusterStatus } from './status.ts';

/** What a status is made of besides the outcome of a reconcile. */
export interface StatusSources {
  readonly observer: Observer;
  /** Events about pods of StatefulSets that could not be created. */
  readonly failedCreates: Informer<CoreEvent>;
}

const ROLES = ['rpc', 'transfer', 'push', 'cron', 'api'] as const;

/** The status of a cluster after a reconcile. */
export function statusReport(
  cluster: Stored<OpenIMCluster>,
  observed: ObservedCluster,
  effective: EffectiveSpec,
  outcome: Outcome,
  { observer, failedCreates }: StatusSources,
): OpenIMClusterStatus {
  const { failure, rollout, aspects, refusal, configHashes, revisions, settings, autoscaling } = outcome;
  const now = new Date();
  return clusterStatus({
    owner: observed.owner,
    generation: cluster.metadata.generation ?? 0,
    effective,
    refusal,
    aspects,
    storage: outcome.volumes,
    failure: failure === undefined ? undefined : steadyText(messageOf(failure)),
    pods: observed.pods(),
    volumes: observed.volumeClaims(),
    missing: missingPods(observed.workloads(), failedCreates, now),
    deleting: cluster.metadata.deletionTimestamp !== undefined,
    updated: Object.fromEntries(ROLES.map((role) => [role, observed.updatedPods(role)])),
    observation: observer.observationOf(keyOf(cluster)),
    rollout,
    gatewayRevision: outcome.gatewayRevision,
    configHashes,
    revisions,
    settings,
    autoscaling,
    upgrades: upgradeStatus({
      revisions: revisionsOf(observed),
      step: outcome.upgrade,
      rollback: outcome.rollback,
      update: revisions?.update ?? cluster.status?.updateRevision,
      before: cluster.status,
    }),
    paused: cluster.spec.reconcile === 'Paused',
    endpoints: {
      ...observed.endpoints(effective),
      objectStorage: observed.objectsURL(effective, publishedObjectsURL(cluster, revisionsOf(observed))).url,
    },
    partitions: PARTITIONS,
    before: cluster.status,
    now,
  });
}
