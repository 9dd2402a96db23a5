import type { Deployment, Pod, Stored } from '@im/kube';
import { ANNOTATION, REVISION_LABEL } from '../../../resources/names.ts';
import type { GatewayDeployment, GatewayPod, NodeNotice } from '../gateways/gateway-state.ts';
import { isReady } from '../status/pod-problem.ts';
import type { Observation } from './observation.ts';

/** Annotation by which a ReplicaSet chooses which pod to delete when replicas decrease: the cheapest first. */
export const DELETION_COST = 'controller.kubernetes.io/pod-deletion-cost';

/** The revision that a Deployment or pod of a gateway belongs to. */
function revisionOf(object: Stored<Deployment> | Stored<Pod>): string {
  return object.metadata.labels?.[REVISION_LABEL] ?? '';
}

/** A Deployment as the plan sees it. */
export function deploymentState(deployment: Stored<Deployment>): GatewayDeployment {
  const { spec, status, metadata } = deployment;
  return {
    revision: revisionOf(deployment),
    replicas: spec?.replicas ?? 1,
    existing: status?.replicas ?? 0,
    observed: (status?.observedGeneration ?? 0) >= (metadata.generation ?? 0),
  };
}

/** A pod as the plan sees it. @param node what its node announces. */
export function podState(
  pod: Stored<Pod>,
  reports: Observation['reports'],
  node: NodeNotice | undefined,
): GatewayPod {
  const { metadata } = pod;
  const annotations = metadata.annotations ?? {};
  const report = reports.get(metadata.name);
  const manual = annotations[ANNOTATION.drain];
  return {
    name: metadata.name,
    uid: metadata.uid,
    revision: revisionOf(pod),
    ready: isReady(pod),
    idle: isIdle(pod),
    terminatingUntil: timeOf(metadata.deletionTimestamp),
    createdAt: timeOf(metadata.creationTimestamp) ?? 0,
    drainSince: timeOf(annotations[ANNOTATION.drainSince]),
    drainUntil: timeOf(annotations[ANNOTATION.drainUntil]),
    drainReason: annotations[ANNOTATION.drainReason],
    manual: manual === '' ? 'no reason given' : manual,
    node,
    marked: Number(annotations[DELETION_COST] ?? 0) < 0,
    status: report?.status,
    reportedAt: report?.at,
  };
}

/** Whether a pod has ended for good, for example after an eviction by its node: its ReplicaSet has replaced it. */
export function hasEnded({ status }: Stored<Pod>): boolean {
  return status?.phase === 'Failed' || status?.phase === 'Succeeded';
}

/** Whether the process cannot hold a connection: it does not run, or has never been ready for one since its start. */
function isIdle({ status }: Stored<Pod>): boolean {
  if (status?.phase !== 'Running') return status?.phase !== 'Unknown';
  const gateway = status.containerStatuses?.find(({ name }) => name === 'gateway');
  if (!gateway) return false;
  return (
    gateway.state?.waiting !== undefined ||
    gateway.state?.terminated !== undefined ||
    gateway.started === false
  );
}

function timeOf(text: string | undefined): number | undefined {
  const ms = text === undefined ? Number.NaN : Date.parse(text);
  return Number.isNaN(ms) ? undefined : ms;
}
