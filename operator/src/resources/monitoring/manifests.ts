import type { KubeObject } from '@im/kube';
import type { EffectiveSpec } from '../effective.ts';
import type { Owner } from '../names.ts';
import { dashboardsConfigMap } from './dashboards.ts';
import { podMonitor } from './pod-monitor.ts';
import { prometheusRule } from './prometheus-rule.ts';

/** The objects that `spec.monitoring` asks for. */
export function monitoringManifests(owner: Owner, effective: EffectiveSpec): KubeObject[] {
  const { monitoring = {} } = effective;
  return [
    ...(monitoring.podMonitor ? [podMonitor(owner, monitoring.podMonitor)] : []),
    ...(monitoring.rules ? [prometheusRule(owner, effective, monitoring.rules)] : []),
    ...(monitoring.dashboards ? [dashboardsConfigMap(owner, effective, monitoring.dashboards)] : []),
  ];
}
