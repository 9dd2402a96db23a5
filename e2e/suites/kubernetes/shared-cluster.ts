import { type DeployedCluster, developmentSpec, KEPT_IMAGES } from '@im/dev-cluster';
import { deployed } from './deploy-cluster.ts';

/** Whether the cluster is kept: on request, or because another process removes it after the last test file. */
const KEEP = process.env.E2E_KEEP_CLUSTER === '1' || process.env[KEPT_IMAGES] !== undefined;

/** Where the cluster that the suites share is. */
export const SHARED = { namespace: 'openim-e2e', name: 'shared' } as const;

/**
 * The cluster that the suites of this folder share: 2 gateways, 2 transfers, 2 rpc, every store. The first file
 * deploys it; it stays for the next one where another process removes it.
 * @param tenants in addition to the default one.
 */
export function sharedCluster(tenants: readonly string[] = []): Promise<DeployedCluster> {
  return deployed(() => ({ ...SHARED, spec: developmentSpec(), tenants, keep: KEEP }));
}
