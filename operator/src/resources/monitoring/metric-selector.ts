import type { Owner, ProcessRole } from '../names.ts';

/** Labels that {@link podMonitor} gives each series besides those of the Prometheus operator (`namespace`, `pod`, ...). */
export const SERIES_LABELS = {
  /** Name of the OpenIMCluster. `cluster` is often the Kubernetes cluster. */
  cluster: 'openim_cluster',
  /** Component of the pod, such as `gateway`. */
  role: 'role',
} as const;

/** The cluster that series belong to. */
export type ClusterName = Pick<Owner, 'name' | 'namespace'>;

/**
 * A PromQL selector of one metric of one cluster.
 * @param matchers further matchers of labels, such as `code="500"`.
 */
export type Select = (metric: string, matchers?: string) => string;

/** Selectors for the metrics of a cluster's processes. */
export function selectorsOf(owner: ClusterName): Select {
  return selectors(owner, SERIES_LABELS.cluster);
}

/** Selectors for the metrics that the operator has about a cluster; its PodMonitor keeps their labels. */
export function operatorSelectorsOf(owner: ClusterName): Select {
  return selectors(owner, 'cluster');
}

function selectors({ name, namespace }: ClusterName, label: string): Select {
  return (metric, matchers) => {
    const all = [`namespace="${namespace}"`, `${label}="${name}"`, ...(matchers ? [matchers] : [])];
    return `${metric}{${all.join(',')}}`;
  };
}

/** A matcher of the processes of one role. */
export function ofRole(role: ProcessRole): string {
  return `${SERIES_LABELS.role}="${role}"`;
}

/** Group of the resources of the Prometheus operator. */
export const MONITORING_GROUP = 'monitoring.coreos.com';
