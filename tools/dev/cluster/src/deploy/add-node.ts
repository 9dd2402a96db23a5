import { SECOND_NODE_TAINT, type SecondNode, startSecondNode } from '@im/dev-kubernetes';
import type { TestCluster } from './test-cluster.ts';

/** What a pod needs to be scheduled to an added node. */
export const ADDED_NODE_TOLERATION = {
  key: SECOND_NODE_TAINT.key,
  operator: 'Exists',
  effect: SECOND_NODE_TAINT.effect,
} as const;

/**
 * Adds a node to a test cluster until it is disposed of; only pods that tolerate its taint come there, and of images only
 * the product's is there.
 * @returns undefined where the cluster cannot have another node.
 */
export async function addNode({ kubernetes, images }: TestCluster): Promise<SecondNode | undefined> {
  if (kubernetes.driver !== 'local') return undefined;
  return await startSecondNode((...args) => kubernetes.kubectl(...args), [images.product]);
}
