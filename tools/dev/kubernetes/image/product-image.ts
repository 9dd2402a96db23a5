import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { access, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, sep } from 'node:path';
import { runCommand } from '@im/dev-stores';
import { productVersion } from '@im/process';
import { foreignNode } from './foreign-node.ts';
import {
  type ImageArchitecture,
  type ImageEntry,
  NON_ROOT,
  OWN_ARCHITECTURE,
  type WrittenImage,
  writeImage,
  writeIndex,
} from './image.ts';
import { sharedLibrariesOf } from './shared-libraries.ts';

const ROOT = join(import.meta.dirname, '../../../..');

/** The repository of the image; with the registry, as nodes complete a name without one. */
export const PRODUCT_IMAGE = 'docker.io/openim/openim-operator';

/** Libraries that glibc loads by name when a host is looked up; newer ones hold them themselves. */
const NAME_LOOKUP = ['libnss_dns.so.2', 'libnss_files.so.2', 'libresolv.so.2'];

/** Where systems keep the certificates of authorities that they trust. */
const CERTIFICATES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/cert.pem',
];

/** What every container needs to look hosts and users up. */
const SYSTEM: readonly ImageEntry[] = [
  { path: '/etc/passwd', text: `root:x:0:0::/:/none\nnonroot:x:${NON_ROOT}:${NON_ROOT}::/tmp:/none\n` },
  { path: '/etc/group', text: `root:x:0:\nnonroot:x:${NON_ROOT}:\n` },
  { path: '/etc/nsswitch.conf', text: 'hosts: files dns\n' },
  { path: '/tmp', directory: 0o1777 },
];

/** Options of {@link buildProductImage}. */
export interface ProductImageOptions {
  /** The tarball to write. */
  readonly file: string;
  /** Folder of a bundle to take instead of making one. */
  readonly app?: string;
  /** One index of images for these. @default an image for this machine's */
  readonly architectures?: readonly ImageArchitecture[];
  /** Version of the bundle, which the tag begins with. @default that of the repository */
  readonly version?: string;
}

/**
 * Bundles the repository and writes the one image of all roles and the operator, without Docker,
 * registry or root. What runs in it is this process's own Node, or the same version for another architecture. The tag is the version and a hash of
 * everything inside, so an unchanged tree gives the same name. Takes seconds. The Dockerfile makes
 * the same from public images.
 */
export async function buildProductImage({
  file,
  app,
  architectures,
  version = productVersion(),
}: ProductImageOptions): Promise<WrittenImage> {
  const dir = await mkdtemp(join(tmpdir(), 'openim-product-image-'));
  try {
    const bundle = app ?? join(dir, 'app');
    if (app === undefined)
      await runCommand(process.execPath, [join(ROOT, 'tools/bundle.ts'), '--out', bundle]);
    const specOf = async (entries: readonly ImageEntry[]) => ({
      name: `${PRODUCT_IMAGE}:${version}-${await contentHash(entries)}`,
      entrypoint: ['/usr/bin/node', '--enable-source-maps', '/app/im.mjs'],
      command: ['serve', 'all'],
      env: { NODE_ENV: 'production' },
      labels: {
        'org.opencontainers.image.title': 'openim-operator',
        'org.opencontainers.image.version': version,
        'org.opencontainers.image.licenses': 'Apache-2.0',
      },
    });
    if (architectures === undefined) {
      const entries = await entriesOf(bundle, OWN_ARCHITECTURE);
      return await writeImage({ ...(await specOf(entries)), entries }, file);
    }
    const entries: Partial<Record<ImageArchitecture, readonly ImageEntry[]>> = {};
    for (const architecture of architectures) entries[architecture] = await entriesOf(bundle, architecture);
    const all = Object.values(entries).flatMap((of, i) =>
      of.map((entry) => ({ ...entry, path: `/${architectures[i]}${entry.path}` })),
    );
    return await writeIndex({ ...(await specOf(all)), entries }, file);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function entriesOf(app: string, architecture: ImageArchitecture): Promise<ImageEntry[]> {
  const certificates = await firstOf(CERTIFICATES);
  return [
    ...SYSTEM,
    ...(architecture === OWN_ARCHITECTURE ? await ownNode() : await foreignNode(architecture)),
    ...(certificates ? [{ path: '/etc/ssl/certs/ca-certificates.crt', from: certificates }] : []),
    { path: '/app', from: app },
    { path: '/app/LICENSE', from: join(ROOT, 'LICENSE') },
  ];
}

/** The Node of this process with its libraries. */
async function ownNode(): Promise<ImageEntry[]> {
  const libraries = await sharedLibrariesOf(process.execPath);
  return [
    { path: '/usr/bin/node', from: process.execPath },
    ...libraries,
    ...(await nameLookupBeside(libraries)),
  ];
}

/** The libraries of {@link NAME_LOOKUP}, in the directory of libc. */
async function nameLookupBeside(libraries: readonly ImageEntry[]): Promise<ImageEntry[]> {
  const libc = libraries.find(({ path }) => path.endsWith('/libc.so.6'));
  if (!libc) return [];
  const paths = NAME_LOOKUP.map((name) => join(dirname(libc.path), name));
  const present = await Promise.all(paths.map((path) => firstOf([path])));
  return present.flatMap((path) => (path ? [{ path, from: path }] : []));
}

async function firstOf(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) {
    const found = await access(path, constants.R_OK).then(
      () => true,
      () => false,
    );
    if (found) return path;
  }
  return undefined;
}

/** Hash of the entries: paths and contents. */
async function contentHash(entries: readonly ImageEntry[]): Promise<string> {
  const hash = createHash('sha256');
  for (const entry of entries.toSorted((a, b) => (a.path < b.path ? -1 : 1))) {
    hash.update(`${entry.path}\0`);
    if ('text' in entry) hash.update(entry.text);
    else if ('from' in entry) await hashContents(hash, entry.from);
  }
  return hash.digest('hex').slice(0, 12);
}

async function hashContents(hash: ReturnType<typeof createHash>, from: string): Promise<void> {
  const below = await readdir(from, { recursive: true, withFileTypes: true }).catch(() => undefined);
  if (!below) {
    hash.update(await readFile(from));
    return;
  }
  const files = below.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  for (const file of files.toSorted()) {
    hash.update(`${file.slice(from.length).replaceAll(sep, '/')}\0`);
    hash.update(await readFile(file));
  }
}
