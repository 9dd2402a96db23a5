export { type LoadedImages, loadImages } from './images.ts';
export { type KubeApi, KubeApiError, type KubeObject, kubeApi, PATH } from './kube-api.ts';
export { apply, isCluster, sample, withStoreImages } from './manifests.ts';
export { installOperator, OPERATOR } from './operator.ts';
export {
  type ClusterStatus,
  type ComponentStatus,
  type Condition,
  conditionOf,
  isPodReady,
  isReady,
  isSettled,
  type OpenIMCluster,
  type Pod,
  waitsFor,
} from './resources.ts';
