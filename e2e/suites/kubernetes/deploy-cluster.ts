import {
  type DeployedCluster,
  type DeployOptions,
  deployCluster,
  type TestCluster,
  useTestCluster,
} from '@im/dev-cluster';

/** Deploys a cluster on Kubernetes, which is left when the cluster is closed. */
export async function deployed(
  optionsFor: (testCluster: TestCluster) => DeployOptions,
): Promise<DeployedCluster> {
  const testCluster = await useTestCluster();
  try {
    const cluster = await deployCluster(testCluster, optionsFor(testCluster));
    const close = async (): Promise<void> => {
      await cluster.close();
      await testCluster[Symbol.asyncDispose]();
    };
    return { ...cluster, close, [Symbol.asyncDispose]: close };
  } catch (error) {
    await testCluster[Symbol.asyncDispose]();
    throw error;
  }
}
