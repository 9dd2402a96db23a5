/** What other packages may know of the operator: its custom resources and its names. */
export { planSteps, sumOf, UPGRADE_SOAK_SECONDS } from './controllers/cluster/upgrade/plan.ts';
export type * from './gen/openimcluster.ts';
export type { OpenIMTenantSpec, OpenIMTenantStatus } from './gen/openimtenant.ts';
export { OPENIM_CLUSTER, OPENIM_TENANT, type OpenIMCluster, type OpenIMTenant } from './resources/kinds.ts';
export {
  ANNOTATION,
  API_GROUP,
  API_VERSION,
  type Component,
  clusterSelector,
  nameOf,
  REVISION_LABEL,
  selectorLabels,
} from './resources/names.ts';
export { numberOrShare } from './resources/quantity.ts';
