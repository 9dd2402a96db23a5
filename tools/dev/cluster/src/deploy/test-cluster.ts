import { type KubernetesCluster, useCluster } from '@im/dev-kubernetes';
import { isPodReady, type KubeClient, LEASE, POD } from '@im/kube';
import { type LoadedImages, loadImages } from './images.ts';
import { installOperator, OPERATOR } from './operator.ts';
import { getExisting, openKube, type Pod } from './resources.ts';

/** A Kubernetes with the images of this working tree and the operator: what tests deploy clusters on. */
export interface TestCluster extends AsyncDisposable {
  readonly kubernetes: KubernetesCluster;
  readonly api: KubeClient;
  readonly images: LoadedImages & { readonly productAgain: string };
  /** Pods of the operator that are ready. */
  operatorPods(): Promise<Pod[]>;
  /** The pod of the operator that leads, by its Lease; undefined while none does. */
  operatorLeader(): Promise<Pod | undefined>;
  /** Identity of the process that holds the Lease, new at every start of one; empty while none does. */
  operatorHolder(): Promise<string>;
}

/** Environment variable with the images, as JSON, of a test cluster that is kept for several test files. */
export const KEPT_IMAGES = 'E2E_KEPT_IMAGES';

/**
 * Takes the Kubernetes that is up, or brings one up for as long as the test runs, and installs the operator of this
 * working tree there; one that is kept for several files is taken as it is.
 */
export async function useTestCluster(): Promise<TestCluster> {
  const print = (line: string): void => {
    process.stderr.write(`${line}\n`);
  };
  const used = await useCluster();
  const kubernetes = used.cluster;
  try {
    const kept = process.env[KEPT_IMAGES];
    const { productAgain = '', ...images } = kept
      ? (JSON.parse(kept) as LoadedImages)
      : await loadImages(kubernetes, { twice: true, print });
    if (!kept) await installOperator(kubernetes, images.product);
    const api = await openKube(kubernetes.kubeconfig);
    const operatorPods = async () => {
      const { items } = await api.list(POD, {
        namespace: OPERATOR.namespace,
        labelSelector: `app.kubernetes.io/instance=${OPERATOR.release}`,
      });
      return items.filter((pod) => isPodReady(pod) && pod.metadata.deletionTimestamp === undefined);
    };
    const operatorHolder = async () => {
      const lease = await getExisting(api, LEASE, { namespace: OPERATOR.namespace, name: OPERATOR.lease });
      return lease.spec?.holderIdentity ?? '';
    };
    return {
      kubernetes,
      api,
      images: { ...images, productAgain },
      operatorPods,
      operatorHolder,
      async operatorLeader() {
        const holder = await operatorHolder();
        return (await operatorPods()).find(({ metadata }) => holder.startsWith(`${metadata.name}-`));
      },
      async [Symbol.asyncDispose]() {
        api.close();
        await used[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await used[Symbol.asyncDispose]();
    throw error;
  }
}
