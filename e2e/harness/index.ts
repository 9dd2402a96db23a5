export { type Cluster, type ClusterOptions, startCluster } from './cluster.ts';
export {
  type PartPlan,
  TEST_TENANTS,
  type TenantOverrides,
  type TestTenant,
  type Topology,
  testTenant,
} from './cluster-plan.ts';
export { type Metrics, parseMetrics } from './metrics.ts';
export type { MongoProxy } from './mongo-proxy.ts';
export { foldedPartitions, PARTITIONS } from './ownership.ts';
export type { Part } from './part.ts';
export { type ProcessUsage, processUsage, totalUsage } from './process-usage.ts';
export { type RecordedCall, type RecordingProxy, startRecordingProxy } from './recording-proxy.ts';
export { startTcpProxy, type TcpProxy } from './tcp-proxy.ts';
export type { TestCluster, TestGateway } from './test-cluster.ts';
