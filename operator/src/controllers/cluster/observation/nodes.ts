import { type Metrics, sleep } from '@im/kit';
import {
  createInformer,
  type Informer,
  isApiError,
  type KubeClient,
  NODE,
  type Node,
  type Stored,
} from '@im/kube';
import type { Logger } from '@im/process';
import type { NodeNotice } from '../gateways/gateway-state.ts';

/** Taints of nodes whose machine ends soon, with the time that their pods have at most, ms. */
const SPOT_TAINTS: Readonly<Record<string, number>> = {
  // Two minutes between notice and interruption.
  'aws-node-termination-handler/spot-itn': 90_000,
  // Graceful node shutdown leaves 15 s for pods that are not critical.
  'cloud.google.com/impending-node-termination': 12_000,
};
/** Taints of nodes that are being emptied. */
const DRAIN_TAINTS = [
  'ToBeDeletedByClusterAutoscaler',
  'karpenter.sh/disrupted',
  'karpenter.sh/disruption',
  'aws-node-termination-handler/scheduled-maintenance',
  'aws-node-termination-handler/asg-lifecycle-termination',
  'aws-node-termination-handler/rebalance-recommendation',
];
/** Taints of AKS for a scheduled event: eviction in 30 s on a spot node, maintenance on others. */
const AZURE_TAINTS = [
  'remediator.kubernetes.azure.com/unschedulable',
  'remediator.aks.microsoft.com/unschedulable',
];
const AZURE_PRIORITY = 'kubernetes.azure.com/scalesetpriority';
const AZURE_SPOT_MS = 25_000;
/** Wait until the operator tries again to read nodes that it may not read, ms. */
const FORBIDDEN_MS = 600_000;

/** What a node announces to its pods. */
export function nodeNotice({ metadata, spec }: Node): NodeNotice | undefined {
  const name = metadata?.name ?? '';
  const taints = (spec?.taints ?? []).map(({ key }) => key);
  const spot = taints.find((key) => SPOT_TAINTS[key] !== undefined);
  if (spot !== undefined) {
    return { reason: 'Spot', message: `node ${name} has taint ${spot}`, withinMs: SPOT_TAINTS[spot] };
  }
  const azure = taints.find((key) => AZURE_TAINTS.includes(key));
  if (azure !== undefined && metadata?.labels?.[AZURE_PRIORITY] === 'spot') {
    return { reason: 'Spot', message: `spot node ${name} has taint ${azure}`, withinMs: AZURE_SPOT_MS };
  }
  const drain = azure ?? taints.find((key) => DRAIN_TAINTS.includes(key));
  if (drain !== undefined) return { reason: 'Cordoned', message: `node ${name} has taint ${drain}` };
  return spec?.unschedulable ? { reason: 'Cordoned', message: `node ${name} is cordoned` } : undefined;
}

/** What nodes announce. */
export interface NodeNotices {
  /** Undefined without a notice, and while nodes cannot be read. */
  of(node: string | undefined): NodeNotice | undefined;
  /** Watches the nodes until `signal` aborts. Without permission it only logs so, and tries again later. */
  run(signal: AbortSignal): Promise<void>;
}

/** Options of {@link watchNodes}. */
export interface NodeNoticesOptions {
  readonly client: KubeClient;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Called with the name of a node whose notice has changed. */
  readonly onChange: (node: string) => void;
}

/** Creates {@link NodeNotices}, which are empty until `run`. */
export function watchNodes({ client, log, metrics, onChange }: NodeNoticesOptions): NodeNotices {
  let informer: Informer<Node> | undefined;
  metrics.observe('openim_operator_nodes_readable', 'Whether the operator may read nodes', () =>
    informer === undefined ? 0 : 1,
  );

  async function mayRead(signal: AbortSignal): Promise<boolean> {
    try {
      // No node has this name.
      await client.list(NODE, { fieldSelector: 'metadata.name=-', signal });
      return true;
    } catch (error) {
      if (!isApiError(error, 403)) return true;
      log.warn(
        { err: error },
        'nodes cannot be read, so gateways are not moved before their node is drained; grant get, list and watch on nodes',
      );
      return false;
    }
  }

  return {
    of(name) {
      const node = name === undefined ? undefined : informer?.get(name);
      return node && nodeNotice(node);
    },
    async run(signal) {
      while (!(await mayRead(signal))) {
        if (signal.aborted) return;
        await sleep(FORBIDDEN_MS, signal).catch(() => undefined);
      }
      const nodes = createInformer({ client, type: NODE, log, metrics, keep: reduced });
      nodes.onChange((before, after) => {
        const notice = (node: Stored<Node> | undefined) => node && nodeNotice(node)?.message;
        const name = (after ?? before)?.metadata.name;
        if (name !== undefined && notice(before) !== notice(after)) onChange(name);
      });
      informer = nodes;
      await nodes.run(signal);
      informer = undefined;
    },
  };
}

/** The part of a node that is needed: clusters may have thousands, with long lists of images. */
function reduced({ apiVersion, kind, metadata, spec }: Stored<Node>): Stored<Node> {
  const { name, uid, resourceVersion, labels } = metadata;
  const priority = labels?.[AZURE_PRIORITY];
  return {
    apiVersion,
    kind,
    metadata: {
      name,
      uid,
      resourceVersion,
      ...(priority === undefined ? {} : { labels: { [AZURE_PRIORITY]: priority } }),
    },
    spec: { unschedulable: spec?.unschedulable, taints: spec?.taints },
  };
}
