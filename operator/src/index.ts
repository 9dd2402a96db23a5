/** What other packages may know of the operator: its custom resource, its names, and its client of the API server. */
export type * from './gen/openimcluster.ts';
export { OPENIM_CLUSTER, type OpenIMCluster } from './resources/kinds.ts';
export {
  API_GROUP,
  API_VERSION,
  type Component,
  clusterSelector,
  selectorLabels,
} from './resources/names.ts';
export {
  ApiError,
  ConnectionError,
  createKubeClient,
  type KubeClient,
  type KubeClientOptions,
  type ObjectList,
  POD,
  type Pod,
  SECRET,
  type Stored,
  type WatchEvent,
} from './runtime/index.ts';
