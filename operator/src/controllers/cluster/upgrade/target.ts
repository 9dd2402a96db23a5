import { type Stored, timestamp } from '@im/kube';
import type { OpenIMClusterSpec } from '../../../gen/openimcluster.ts';
import type { EffectiveSpec } from '../../../resources/effective.ts';
import type { OpenIMCluster } from '../../../resources/kinds.ts';
import { ANNOTATION } from '../../../resources/names.ts';
import { templateHash } from '../../../resources/pod-template.ts';
import type { Revision, UpgradedRevision } from '../../../resources/revision.ts';

/** A failed upgrade, and the revision that the cluster keeps instead. */
export interface Rollback {
  readonly failed: UpgradedRevision;
  readonly to: Revision;
}

/** Fields of the spec that may change without another attempt at an upgrade that failed. */
const UNRELATED = ['upgrade', 'reconcile', 'logLevel', 'monitoring'] as const;
const SCALED = ['gateway', 'api', 'rpc', 'transfer', 'push'] as const;

/** Identifies what of a spec may let an upgrade succeed or fail: all but numbers of pods and how it is upgraded. */
export function specKey(spec: OpenIMClusterSpec): string {
  const kept: Record<string, unknown> = { ...spec };
  for (const name of UNRELATED) delete kept[name];
  for (const name of SCALED) {
    const { replicas: _, autoscaling: __, ...section } = (spec[name] ?? {}) as Record<string, unknown>;
    if (Object.keys(section).length === 0) delete kept[name];
    else kept[name] = section;
  }
  return templateHash(kept).slice(0, 10);
}

/** A moment of an upgrade, as an annotation of a person names it: what they saw in status. */
export function momentOf(revision: string, at: number): string {
  return `${revision}/${timestamp(new Date(at))}`;
}

/**
 * The rollback that is in force: the spec is the one whose upgrade failed, and no other attempt was asked for. The
 * newest failure counts, unless the cluster has matched another revision since than the one before: to go back from there
 * would be an unexpected step.
 */
export function rollbackOf(
  { spec, metadata }: Stored<OpenIMCluster>,
  revisions: readonly Revision[],
): Rollback | undefined {
  const key = specKey(spec);
  const retried = metadata.annotations?.[ANNOTATION.retryUpgrade];
  const failed = revisions
    .flatMap((revision) => (revision.upgrade?.failure ? [revision as UpgradedRevision] : []))
    .sort((a, b) => (b.upgrade.failure?.at ?? 0) - (a.upgrade.failure?.at ?? 0))
    .find(({ upgrade: { failure } }) => failure?.specKey === key);
  if (!failed || retried === momentOf(failed.name, failed.upgrade.failure?.at ?? 0)) return undefined;
  const { from, failure } = failed.upgrade;
  const isOutdated = revisions.some(
    ({ name, completedAt = 0 }) => name !== from && completedAt > (failure?.at ?? 0),
  );
  if (isOutdated) return undefined;
  const to = revisions.find(({ name }) => name === from);
  return to && { failed, to };
}

/** The effective spec of a revision with the numbers of pods of today. */
export function specOfRevision({ content }: Revision, today: EffectiveSpec): EffectiveSpec {
  const { effective } = content;
  const { replicas, autoscaling, rebalance, drain, rollout } = today.gateway;
  const { monitoring: _, ...kept } = effective;
  return {
    ...kept,
    ...(today.monitoring && { monitoring: today.monitoring }),
    logLevel: today.logLevel,
    gateway: { ...effective.gateway, replicas, autoscaling, rebalance, drain, rollout },
    api: { ...effective.api, replicas: today.api.replicas },
    rpc: { ...effective.rpc, replicas: today.rpc.replicas },
    transfer: { ...effective.transfer, replicas: today.transfer.replicas },
    push: { ...effective.push, replicas: today.push.replicas },
  };
}

/** Whether a change from one revision to another is an upgrade: of the image or the version. */
export function isUpgrade(from: EffectiveSpec, to: EffectiveSpec): boolean {
  return from.image !== to.image || from.version !== to.version;
}
