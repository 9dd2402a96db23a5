import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { DeployedCluster } from '@im/dev-cluster';

const MAIN = new URL('../../../cli/src/main.ts', import.meta.url).pathname;

/** Runs openimctl for a cluster. @returns its output. @throws with what it prints when it fails. */
export async function openimctl(cluster: DeployedCluster, ...args: readonly string[]): Promise<string> {
  const { namespace, name, testCluster } = cluster;
  const all = [MAIN, ...args, name, '-n', namespace];
  const env = { ...process.env, KUBECONFIG: testCluster.kubernetes.kubeconfig };
  const { stdout } = await promisify(execFile)(process.execPath, all, { env });
  return stdout;
}
