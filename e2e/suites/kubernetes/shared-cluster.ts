import {
  type DeployedCluster,
  deployCluster,
  developmentSpec,
  KEPT_IMAGES,
  useGround,
} from '@im/dev-cluster';

/** Whether the cluster stays: asked for, or somebody removes it when the last file of suites has ended. */
const KEEP = process.env.E2E_KEEP_CLUSTER === '1' || process.env[KEPT_IMAGES] !== undefined;

/** Where the cluster that the suites share is. */
export const SHARED = { namespace: 'openim-e2e', name: 'shared' } as const;

/**
 * The cluster that the suites of this folder share: 2 gateways, 2 transfers, 2 rpc, every store. The first file
 * deploys it; it stays for the next one where somebody has promised to remove it.
 * @param tenants that it has besides the default one.
 */
export async function sharedCluster(tenants: readonly string[] = []): Promise<DeployedCluster> {
  const ground = await useGround();
  try {
    const cluster = await deployCluster(ground, {
      ...SHARED,
      spec: developmentSpec(),
      tenants,
      keep: KEEP,
    });
    const close = async (): Promise<void> => {
      await cluster.close();
      await ground[Symbol.asyncDispose]();
    };
    return { ...cluster, close, [Symbol.asyncDispose]: close };
  } catch (error) {
    await ground[Symbol.asyncDispose]();
    throw error;
  }
}
