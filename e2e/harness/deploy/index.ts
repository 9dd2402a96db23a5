export {
  type Component,
  clusterOf,
  type DeployedCluster,
  type DeployOptions,
  deployCluster,
  developmentSpec,
  namespaceOf,
  removeCluster,
} from './deployed-cluster.ts';
export { type Ground, KEPT_IMAGES, useGround } from './ground.ts';
export { type LoadedImages, loadImages } from './images.ts';
export { killContainer } from './kill.ts';
export { apply, isCluster, sample, withImages } from './manifests.ts';
export { installOperator, OPERATOR } from './operator.ts';
export { type Reached, reach } from './reach.ts';
export {
  type ClusterStatus,
  type ComponentStatus,
  type Condition,
  conditionOf,
  getExisting,
  isPodReady,
  isReady,
  isSettled,
  OPENIM_CLUSTER,
  type OpenIMCluster,
  openKube,
  type Pod,
  waitsFor,
} from './resources.ts';
