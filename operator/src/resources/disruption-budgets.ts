import type { PodDisruptionBudget } from '@im/kube';
import { type EffectiveSpec, rolesOf } from './effective.ts';
import { metadataOf, nameOf, type Owner, PROBER, type StoreName, selectorLabels } from './names.ts';

/**
 * The budgets of the roles: one pod of each may be evicted at a time. A role with a single pod gets the same budget: one
 * that allows no eviction would block the drain of a node forever. Of the gateways, one that is not ready may be evicted
 * only while at most one is missing: it may be draining, and hold thousands of connections.
 */
export function disruptionBudgets(
  owner: Owner,
  effective: Pick<EffectiveSpec, 'prober' | 'console'>,
): PodDisruptionBudget[] {
  // The prober has a single pod and serves no client: it may be evicted at any time.
  const roles = rolesOf(effective).filter((role) => role !== PROBER);
  return roles.map((role) => ({
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: metadataOf(owner, nameOf.component(owner.name, role), role),
    spec: {
      maxUnavailable: 1,
      selector: { matchLabels: selectorLabels(owner.name, role) },
      // A pod of another role that does not become ready holds nothing, and must not block the drain of a node.
      unhealthyPodEvictionPolicy: role === 'gateway' ? 'IfHealthyBudget' : 'AlwaysAllow',
    },
  }));
}

/**
 * The budget of a store: one pod may be evicted at a time. A store with a single pod gets the same budget, although the
 * service is interrupted while the pod moves: a budget that allows no eviction would block the drain of a node until the
 * pod is deleted by hand, which is no better for the service. A pod that is not ready may be evicted only while the
 * others suffice: the rest of a quorum must not be evicted because it is not ready.
 */
export function storeDisruptionBudget(owner: Owner, component: StoreName): PodDisruptionBudget {
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: metadataOf(owner, nameOf.component(owner.name, component), component),
    spec: {
      maxUnavailable: 1,
      unhealthyPodEvictionPolicy: 'IfHealthyBudget',
      selector: { matchLabels: selectorLabels(owner.name, component) },
    },
  };
}
