import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Whether there is anything that names a Kubernetes cluster. */
export function hasKubeconfig(env: Readonly<Record<string, string | undefined>>): boolean {
  if (env.KUBECONFIG || env.KUBERNETES_SERVICE_HOST) return true;
  return existsSync(join(homedir(), '.kube/config'));
}
