import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { installServer, versionIn } from '@im/dev-stores';
import { type ImageEntry, writeImage } from '../image/image.ts';
import { sharedLibrariesOf } from '../image/shared-libraries.ts';
import { installProgram } from '../install/go-build.ts';
import { programOf } from '../install/programs.ts';

/** The stores that an IM cluster manages. */
export type StoreName = 'nats' | 'redis' | 'mongodb' | 'objectStorage';

export const STORE_NAMES: readonly StoreName[] = ['nats', 'redis', 'mongodb', 'objectStorage'];

/** Full image names by store, as a resource's `spec.<store>.managed.image` takes them. */
export type StoreImages = Readonly<Record<StoreName, string>>;

interface StoreImage {
  readonly name: string;
  readonly entries: readonly ImageEntry[];
}

/** Where the contract in this folder's README says that programs are. */
const BIN = '/usr/local/bin';

/**
 * Builds the images of those stores from the servers of `@im/dev-stores`, loads each by `load` (a cluster's `loadImage`)
 * and returns their names. What they promise is in the README of this folder.
 */
export async function loadStoreImages(load: (tarball: string) => Promise<void>): Promise<StoreImages> {
  const dir = await mkdtemp(join(tmpdir(), 'openim-store-images-'));
  try {
    const names: Partial<Record<StoreName, string>> = {};
    for (const store of STORE_NAMES) {
      const { name, entries } = await storeImage(store);
      const image = await writeImage(
        { name, entries: [...entries, ...base], workingDir: '/data' },
        join(dir, `${store}.tar`),
      );
      await load(image.file);
      await rm(image.file);
      names[store] = name;
    }
    return names as StoreImages;
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** The names alone, for a cluster that has the images. Installs servers that are missing. */
export async function storeImageNames(): Promise<StoreImages> {
  const names = await Promise.all(
    STORE_NAMES.map(async (store) => [store, (await storeImage(store)).name] as const),
  );
  return Object.fromEntries(names) as Record<StoreName, string>;
}

const base: readonly ImageEntry[] = [
  { path: '/etc/passwd', text: 'root:x:0:0::/:/none\nnonroot:x:65532:65532::/tmp:/none\n' },
  { path: '/etc/group', text: 'root:x:0:\nnonroot:x:65532:\n' },
  { path: '/tmp', directory: 0o1777 },
  { path: '/data', directory: 0o1777 },
];

async function storeImage(store: StoreName): Promise<StoreImage> {
  switch (store) {
    case 'nats': {
      const { command, description } = await installServer('nats');
      return image('nats', versionIn(description), await programAt(`${BIN}/nats-server`, command));
    }
    case 'redis': {
      const { command, description } = await installServer('redis');
      return image('redis', versionIn(description), await programAt(`${BIN}/redis-server`, command));
    }
    case 'objectStorage': {
      const { command, description } = await installServer('s3');
      return image('object-storage', versionIn(description), await programAt(`${BIN}/weed`, command));
    }
    case 'mongodb': {
      // The Python build would need a Python in the image.
      const { command, description } = await installServer('mongo', { mongoBuild: 'cargo' });
      const launcher = programOf('mongod');
      return image('mongodb', `${versionIn(description)}-${launcher.digest}`, [
        ...(await programAt(`${BIN}/secantusd-rs`, command)),
        { path: `${BIN}/mongod`, from: join(await installProgram(launcher), 'mongod') },
        { path: '/etc/secantusd/empty.toml', text: '' },
      ]);
    }
    default:
      return store satisfies never;
  }
}

function image(name: string, version: string | undefined, entries: readonly ImageEntry[]): StoreImage {
  return { name: `openim.test/${name}:${version ?? 'unknown'}`, entries };
}

async function programAt(path: string, from: string): Promise<ImageEntry[]> {
  return [{ path, from }, ...(await sharedLibrariesOf(from))];
}
