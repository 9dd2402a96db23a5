import { type ControlPlane, eventually, startControlPlane } from '@im/dev-kubernetes';
import { createKubeClient, type KubeClient } from '@im/kube';
import { OPENIM_CLUSTER } from '@im/operator';

/** A control plane that serves the operator's resources, without an operator. */
export interface CustomResources extends AsyncDisposable {
  readonly plane: ControlPlane;
  readonly client: KubeClient;
}

/** @param namespace made in it */
export async function startCustomResources(namespace: string): Promise<CustomResources> {
  const plane = await startControlPlane();
  const client = await createKubeClient({ kubeconfigPath: plane.kubeconfig });
  await plane.kubectl('apply', '--server-side', '-f', new URL('../../crds', import.meta.url).pathname);
  await plane.kubectl('create', 'namespace', namespace);
  await eventually(async () => void (await client.list(OPENIM_CLUSTER)));
  return {
    plane,
    client,
    async [Symbol.asyncDispose]() {
      client.close();
      await plane[Symbol.asyncDispose]();
    },
  };
}
