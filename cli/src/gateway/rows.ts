import { isPodReady, type Pod, type Stored } from '@im/kube';
import { ANNOTATION, type OpenIMClusterStatus, REVISION_LABEL } from '@im/operator';
import type { Row } from '../output.ts';

/** Columns of the list of gateways. */
export const GATEWAY_COLUMNS = [
  'pod',
  'revision',
  'node',
  'state',
  'connections',
  'remaining',
  'etaSeconds',
  'until',
  'reason',
] as const;

/**
 * The gateways of a cluster, by name. Figures are those of the cluster's status, and null where it has none.
 */
export function gatewayRows(
  pods: readonly Stored<Pod>[],
  status: OpenIMClusterStatus | undefined,
): readonly Row[] {
  return [...pods]
    .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
    .map((pod) => {
      const { metadata, spec } = pod;
      const annotations = metadata.annotations ?? {};
      const reported = status?.gateways?.find((gateway) => gateway.pod === metadata.name);
      const isDraining = annotations[ANNOTATION.drainSince] !== undefined || reported?.draining === true;
      const asked = annotations[ANNOTATION.drain];
      const reason = annotations[ANNOTATION.drainReason] ?? (asked === undefined ? null : 'Manual');
      return {
        pod: metadata.name,
        revision: metadata.labels?.[REVISION_LABEL] ?? '',
        node: spec?.nodeName ?? null,
        state: stateOf(
          metadata.deletionTimestamp !== undefined,
          isDraining,
          asked !== undefined,
          isPodReady(pod),
        ),
        connections: reported?.connections ?? null,
        remaining: isDraining ? (reported?.drainRemaining ?? null) : null,
        etaSeconds: isDraining ? (reported?.drainEtaSeconds ?? null) : null,
        until: annotations[ANNOTATION.drainUntil] ?? metadata.deletionTimestamp ?? null,
        reason: asked ? `${reason}: ${asked}` : reason,
      };
    });
}

function stateOf(isTerminating: boolean, isDraining: boolean, isAsked: boolean, isReady: boolean): string {
  if (isTerminating) return 'terminating';
  if (isDraining) return 'draining';
  if (isAsked) return 'to be replaced';
  return isReady ? 'ready' : 'not ready';
}
