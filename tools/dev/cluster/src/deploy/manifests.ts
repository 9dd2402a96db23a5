import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KubernetesCluster } from '@im/dev-kubernetes';
import type { KubeObject } from '@im/kube';
import { parseAllDocuments } from 'yaml';
import type { LoadedImages } from './images.ts';
import type { OpenIMCluster } from './resources.ts';

const SAMPLES = new URL('../../../../../docs/samples/', import.meta.url).pathname;

/** The objects of a sample manifest, as users apply it. */
export function sample(name: string): KubeObject[] {
  const documents = parseAllDocuments(readFileSync(join(SAMPLES, `${name}.yaml`), 'utf8'));
  return documents.map((document) => document.toJS() as KubeObject).filter((object) => object !== null);
}

/** Whether an object is a cluster of the operator's. */
export function isCluster(object: KubeObject): object is OpenIMCluster {
  return object.kind === 'OpenIMCluster';
}

/**
 * The objects with the images that the nodes have: clusters run the product's, unless they name another one, and so
 * do stores that they let the operator run.
 */
export function withImages(objects: readonly KubeObject[], images: LoadedImages): readonly KubeObject[] {
  return objects.map((object) => (isCluster(object) ? clusterWithImages(object, images) : object));
}

function clusterWithImages(cluster: OpenIMCluster, { product, stores }: LoadedImages): OpenIMCluster {
  const spec: Record<string, unknown> = { image: product, ...cluster.spec };
  for (const [store, image] of Object.entries(stores ?? {})) {
    const settings = section(spec[store]);
    if ('external' in settings) continue;
    spec[store] = { ...settings, managed: { image, ...section(settings.managed) } };
  }
  return { ...cluster, spec };
}

function section(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

/** Runs `kubectl apply` over objects. @returns its output. @throws with the refusals of the API server. */
export async function apply(
  cluster: KubernetesCluster,
  objects: readonly KubeObject[],
  ...flags: readonly string[]
): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'openim-manifests-'));
  try {
    const file = join(dir, 'manifests.json');
    await writeFile(file, JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
    return await cluster.kubectl('apply', '-f', file, ...flags);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
