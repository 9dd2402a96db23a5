import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  buildProductImage,
  type KubernetesCluster,
  loadStoreImages,
  type StoreImages,
  storeImageNames,
  type WrittenImage,
} from '@im/dev-kubernetes';
import { runCommand } from '@im/dev-stores';

const BUNDLER = new URL('../../../../bundle.ts', import.meta.url).pathname;

/** Images that nodes have. */
export interface LoadedImages {
  /** Of every role and the operator. */
  readonly product: string;
  /** The same program under another name, for tests that change the image. */
  readonly productAgain?: string;
  /** Of the stores; undefined where nodes pull the vendors' images by themselves. */
  readonly stores?: StoreImages;
}

export interface LoadOptions {
  /** Whether a second image of the product is wanted. */
  readonly twice?: boolean;
  /** Resolves when images can be loaded; building does not wait for it. */
  readonly ready?: Promise<unknown>;
  readonly print?: (line: string) => void;
}

/** Builds the images of this working tree and its stores, and loads those that the nodes lack. */
export async function loadImages(
  cluster: KubernetesCluster,
  options: LoadOptions = {},
): Promise<LoadedImages> {
  const { ready = Promise.resolve(), print = () => {}, twice = false } = options;
  const dir = await mkdtemp(join(tmpdir(), 'openim-images-'));
  try {
    const [products, stores] = await Promise.all([
      loadProduct(cluster, dir, { ready, print, twice }),
      // Where Docker can be had, so can images.
      cluster.driver === 'local' ? loadStores(cluster, ready, print) : undefined,
    ]);
    const [product = '', productAgain] = products;
    return { product, productAgain, stores };
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function loadProduct(
  cluster: KubernetesCluster,
  dir: string,
  { ready, print, twice }: Required<LoadOptions>,
): Promise<string[]> {
  const app = join(dir, 'app');
  print('bundling the service and the operator');
  await runCommand(process.execPath, [BUNDLER, '--out', app]);
  const apps = [app];
  if (twice) {
    const again = join(dir, 'app-again');
    await cp(app, again, { recursive: true });
    // An additional file changes the hash, and with it the name.
    await writeFile(join(again, 'AGAIN'), 'the same program once more\n');
    apps.push(again);
  }
  const names: string[] = [];
  for (const [i, folder] of apps.entries()) {
    const image = await buildProductImage({ file: join(dir, `product-${i}.tar`), app: folder });
    await ready;
    await loadProductImage(cluster, image, print);
    await rm(image.file);
    names.push(image.name);
  }
  return names;
}

/** Loads an image of the product, unless the nodes have it. */
export async function loadProductImage(
  cluster: KubernetesCluster,
  { name, size, file }: WrittenImage,
  print: (line: string) => void,
): Promise<void> {
  if (await hasImages(cluster, [name])) {
    print(`the nodes have ${name}`);
    return;
  }
  print(`loading ${name} (${Math.round(size / 1e6)} MB)`);
  await cluster.loadImage(file);
}

async function loadStores(
  cluster: KubernetesCluster,
  ready: Promise<unknown>,
  print: (line: string) => void,
): Promise<StoreImages> {
  await ready;
  const names = await storeImageNames();
  if (await hasImages(cluster, Object.values(names))) return names;
  print(`building and loading images of the stores: ${Object.values(names).join(', ')}`);
  return await loadStoreImages((tarball) => cluster.loadImage(tarball));
}

/** Whether every node reports that it has them. One that does not yet gets them once more. */
async function hasImages(cluster: KubernetesCluster, wanted: readonly string[]): Promise<boolean> {
  const nodes = JSON.parse(await cluster.kubectl('get', 'nodes', '-o', 'json')) as {
    items: { status?: { images?: { names?: string[] }[] } }[];
  };
  return nodes.items.every(({ status }) => {
    const names = new Set(status?.images?.flatMap((image) => image.names ?? []));
    return wanted.every((name) => names.has(name));
  });
}
