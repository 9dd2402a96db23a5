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
export { ApiError, ConnectionError } from './runtime/errors.ts';
export { createKubeClient } from './runtime/kube-client.ts';
export { POD, SECRET } from './runtime/resource-types.ts';
export type { KubeClient, KubeClientOptions, ObjectList, Stored, WatchEvent } from './runtime/types.ts';
export type { Pod } from './runtime/wire.ts';
