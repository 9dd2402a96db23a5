import type { PodDisruptionBudget } from '@im/kube';
import { nameOf, type Owner, ROLES, selectorLabels } from './names.ts';
import { metadataOf } from './services.ts';

/**
 * One pod of a role may be evicted at a time. A role with a single pod gets the same budget: one that
 * allows none would block the drain of a node for ever.
 */
export function disruptionBudgets(owner: Owner): PodDisruptionBudget[] {
  return ROLES.map((role) => ({
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: metadataOf(owner, nameOf.component(owner.name, role), role),
    spec: {
      maxUnavailable: 1,
      selector: { matchLabels: selectorLabels(owner.name, role) },
      // A pod that does not become ready keeps nobody's messages; it must not block a node's drain.
      unhealthyPodEvictionPolicy: 'AlwaysAllow',
    },
  }));
}
