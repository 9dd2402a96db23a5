/** What other packages may know of the operator: its custom resources and its names, and how clusters are monitored. */
export { paceOf } from './controllers/cluster/upgrade/pace.ts';
export { planSteps, sumOf, UPGRADE_SOAK_SECONDS } from './controllers/cluster/upgrade/plan.ts';
export type * from './gen/openimcluster.ts';
export type { OpenIMTenantSpec, OpenIMTenantStatus } from './gen/openimtenant.ts';
export { effectiveSpec } from './resources/effective.ts';
export { OPENIM_CLUSTER, OPENIM_TENANT, type OpenIMCluster, type OpenIMTenant } from './resources/kinds.ts';
export { alertsOf } from './resources/monitoring/alerts.ts';
export { dashboardsOf } from './resources/monitoring/dashboards.ts';
export { podMonitor } from './resources/monitoring/pod-monitor.ts';
export { type RuleGroups, ruleGroups } from './resources/monitoring/prometheus-rule.ts';
export {
  ANNOTATION,
  API_GROUP,
  API_VERSION,
  type Component,
  clusterSelector,
  nameOf,
  REVISION_HASH_LABEL,
  REVISION_LABEL,
  selectorLabels,
} from './resources/names.ts';
export { numberOrShare } from './resources/quantity.ts';
