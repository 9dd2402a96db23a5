export { type Cluster, type ClusterOptions, startCluster } from './cluster.ts';
export {
  type ProcessPlan,
  TEST_TENANTS,
  type TenantOverrides,
  type TestTenant,
  type Topology,
  testTenant,
} from './cluster-plan.ts';
export { ADDED_NODE_TOLERATION, addNode } from './deploy/add-node.ts';
export {
  type Component,
  clusterOf,
  type DeployedCluster,
  type DeployOptions,
  deployCluster,
  developmentSpec,
  namespaceOf,
  removeCluster,
} from './deploy/deployed-cluster.ts';
export { type LoadedImages, loadImages } from './deploy/images.ts';
export { killContainer } from './deploy/kill.ts';
export { apply, isCluster, sample, withImages } from './deploy/manifests.ts';
export { installOperator, OPERATOR } from './deploy/operator.ts';
export { type Edit, hasCommit, loadOtherBuild, type OtherBuild } from './deploy/other-build.ts';
export { type Reached, reach } from './deploy/reach.ts';
export {
  type ClusterStatus,
  type ComponentStatus,
  type Condition,
  conditionOf,
  getExisting,
  isReady,
  isSettled,
  OPENIM_CLUSTER,
  type OpenIMCluster,
  openKube,
  type Pod,
  type UpgradeStatus,
  waitsFor,
} from './deploy/resources.ts';
export { KEPT_IMAGES, type TestCluster, useTestCluster } from './deploy/test-cluster.ts';
export { type Metrics, parseMetrics } from './metrics.ts';
export type { MongoProxy } from './mongo-proxy.ts';
export { foldedPartitions } from './ownership.ts';
export { type RecordedCall, type RecordingProxy, startRecordingProxy } from './recording-proxy.ts';
export type { ServerProcess } from './server-process.ts';
export { startTcpProxy, type TcpProxy } from './tcp-proxy.ts';
export type { TestGateway, TestServer } from './test-server.ts';
