import { createHash } from 'node:crypto';
import { mkdir, open, readdir, readFile, readlink, rename, stat } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';
import { type TarEntry, tarOf } from './tar.ts';

/** Something at an absolute path of the image. */
export type ImageEntry = { readonly path: string } & (
  | {
      /** File or folder of this machine to copy; links inside folders stay links. Files keep whether they can be run. */
      readonly from: string;
    }
  | {
      readonly text: string;
      readonly mode?: number;
    }
  | {
      /** A symbolic link to this. */
      readonly linkTo: string;
    }
  | {
      /** An empty folder with this mode. */
      readonly directory: number;
    }
);

export interface ImageSpec {
  /** Full name with tag, such as `openim.test/nats:2.15.1`. */
  readonly name: string;
  readonly entries: readonly ImageEntry[];
  readonly entrypoint?: readonly string[];
  readonly command?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** `uid:gid`. Default `65532:65532`. */
  readonly user?: string;
  /** Default `/`. */
  readonly workingDir?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

export interface WrittenImage {
  readonly name: string;
  /** Of the image's manifest, or of the index, `sha256:…`. The same inputs always give the same digest. */
  readonly digest: string;
  /** The tarball. */
  readonly file: string;
  /** Of the tarball, in bytes. */
  readonly size: number;
}

/** The user that images of this repository run as. */
export const NON_ROOT = 65532;

const PATH_ENV = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const MEDIA = 'application/vnd.oci.image';
/** Names of architectures, by those of Node. */
const ARCHITECTURE: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

/** An architecture, as OCI names it. */
export type ImageArchitecture = 'amd64' | 'arm64';

/** Architecture of this machine. */
export const OWN_ARCHITECTURE = (ARCHITECTURE[process.arch] ?? process.arch) as ImageArchitecture;

/** What an index is made of: an image for each of several architectures, which share everything but their entries. */
export interface IndexSpec extends Omit<ImageSpec, 'entries'> {
  readonly entries: Readonly<Partial<Record<ImageArchitecture, readonly ImageEntry[]>>>;
}

/**
 * Writes an image with one layer as a tarball that containerd, Docker and kind load. No daemon, registry or root needed.
 * Folders on the way to an entry are made; everything belongs to root and is readable by all.
 * Source: OCI image layout and image spec 1.1; `manifest.json` is Docker's older format over the same blobs.
 */
export async function writeImage(spec: ImageSpec, file: string): Promise<WrittenImage> {
  const image = await imageOf(spec, OWN_ARCHITECTURE);
  return await writeLayout(spec.name, image.manifest, [image], file);
}

/**
 * Writes one index of images for several architectures as such a tarball; what reads it takes the image of its architecture. The
 * digest is that of the index. Readers of Docker's older format find the image of this machine's architecture.
 */
export async function writeIndex({ entries, ...spec }: IndexSpec, file: string): Promise<WrittenImage> {
  const images: Image[] = [];
  for (const [architecture, own] of Object.entries(entries).toSorted(([a], [b]) => (a < b ? -1 : 1)))
    images.push(await imageOf({ ...spec, entries: own }, architecture as ImageArchitecture));
  const index = json({
    schemaVersion: 2,
    mediaType: `${MEDIA}.index.v1+json`,
    manifests: images.map(({ manifest, architecture }) => ({
      ...descriptor('manifest.v1+json', manifest),
      platform: { architecture, os: 'linux' },
    })),
  });
  const root: Blob = { bytes: index, digest: digestOf([index]), kind: 'index.v1+json' };
  return await writeLayout(spec.name, root, images, file);
}

interface Blob {
  readonly bytes: Buffer;
  readonly digest: string;
  readonly kind: string;
}

interface Image {
  readonly architecture: ImageArchitecture;
  readonly manifest: Blob;
  readonly config: Blob;
  readonly layer: Blob;
}

function blobOf(bytes: Buffer, kind: string): Blob {
  return { bytes, digest: digestOf([bytes]), kind };
}

function descriptor(kind: string, { digest, bytes }: Blob) {
  return { mediaType: `${MEDIA}.${kind}`, digest, size: bytes.length };
}

async function imageOf(spec: ImageSpec, architecture: ImageArchitecture): Promise<Image> {
  const layer = blobOf(Buffer.concat([...tarOf(await layerEntries(spec.entries))]), 'layer.v1.tar');
  const config = json({
    architecture,
    os: 'linux',
    config: {
      Env: Object.entries({ PATH: PATH_ENV, ...spec.env }).map(([key, value]) => `${key}=${value}`),
      WorkingDir: spec.workingDir ?? '/',
      User: spec.user ?? `${NON_ROOT}:${NON_ROOT}`,
      ...(spec.entrypoint && { Entrypoint: spec.entrypoint }),
      ...(spec.command && { Cmd: spec.command }),
      ...(spec.labels && { Labels: spec.labels }),
    },
    rootfs: { type: 'layers', diff_ids: [layer.digest] },
    history: [{ created_by: 'openim-operator' }],
  });
  const configBlob = blobOf(config, 'config.v1+json');
  const manifest = json({
    schemaVersion: 2,
    mediaType: `${MEDIA}.manifest.v1+json`,
    config: descriptor(configBlob.kind, configBlob),
    layers: [descriptor(layer.kind, layer)],
  });
  return { architecture, layer, config: configBlob, manifest: blobOf(manifest, 'manifest.v1+json') };
}

/** Writes an OCI image layout with these images. @param root what the name stands for */
async function writeLayout(
  name: string,
  root: Blob,
  images: readonly Image[],
  file: string,
): Promise<WrittenImage> {
  const index = json({
    schemaVersion: 2,
    mediaType: `${MEDIA}.index.v1+json`,
    manifests: [
      {
        ...descriptor(root.kind, root),
        annotations: {
          'io.containerd.image.name': name,
          'org.opencontainers.image.ref.name': name.slice(name.lastIndexOf(':') + 1),
        },
      },
    ],
  });
  const own = images.find(({ architecture }) => architecture === OWN_ARCHITECTURE) ?? images[0];
  const dockerManifest = own && [
    { Config: blobPath(own.config.digest), RepoTags: [name], Layers: [blobPath(own.layer.digest)] },
  ];
  const blobs = [root, ...images.flatMap(({ config, manifest, layer }) => [config, manifest, layer])];
  const files = new Map(blobs.map(({ digest, bytes }) => [blobPath(digest), bytes]));
  const pieces = tarOf([
    fileEntry('oci-layout', json({ imageLayoutVersion: '1.0.0' })),
    fileEntry('index.json', index),
    ...(dockerManifest ? [fileEntry('manifest.json', json(dockerManifest))] : []),
    ...[...files].map(([path, bytes]) => fileEntry(path, bytes)),
  ]);
  return { name, digest: root.digest, file, size: await writePieces(file, pieces) };
}

/** The tarball gets its name when it is whole. */
async function writePieces(file: string, pieces: Iterable<Buffer>): Promise<number> {
  await mkdir(dirname(file), { recursive: true });
  const unfinished = `${file}.${process.pid}.unfinished`;
  let size = 0;
  {
    await using out = await open(unfinished, 'w');
    for (const piece of pieces) {
      await out.write(piece);
      size += piece.length;
    }
  }
  await rename(unfinished, file);
  return size;
}

/** Every entry with the folders above it, sorted by path; the last of several with one path wins. */
async function layerEntries(entries: readonly ImageEntry[]): Promise<TarEntry[]> {
  const found = new Map<string, TarEntry>();
  for (const entry of entries) {
    for (const made of await expand(entry)) {
      for (let dir = posix.dirname(made.path); dir !== '.'; dir = posix.dirname(dir)) {
        if (!found.has(`${dir}/`)) found.set(`${dir}/`, directoryEntry(dir, 0o755));
      }
      found.set(made.path, made);
    }
  }
  return [...found.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

async function expand(entry: ImageEntry): Promise<TarEntry[]> {
  if (posix.resolve('/', entry.path) !== entry.path) {
    throw new Error(`a path in an image must be absolute and plain, not ${JSON.stringify(entry.path)}`);
  }
  const path = entry.path.slice(1);
  if ('text' in entry) return [fileEntry(path, Buffer.from(entry.text), entry.mode)];
  if ('linkTo' in entry)
    return [{ ...directoryEntry(path, 0o777), path, type: 'link', target: entry.linkTo }];
  if ('directory' in entry) return [directoryEntry(path, entry.directory)];
  return copyOf(entry.from, path);
}

async function copyOf(from: string, path: string): Promise<TarEntry[]> {
  const found = await stat(from);
  if (!found.isDirectory()) return [await fileCopy(from, path)];
  const entries = [directoryEntry(path, 0o755)];
  for (const inside of await readdir(from, { recursive: true, withFileTypes: true })) {
    const source = join(inside.parentPath, inside.name);
    const target = `${path}${source.slice(from.length)}`;
    if (inside.isDirectory()) entries.push(directoryEntry(target, 0o755));
    else if (inside.isSymbolicLink())
      entries.push({
        ...directoryEntry(target, 0o777),
        path: target,
        type: 'link',
        target: await readlink(source),
      });
    else if (inside.isFile()) entries.push(await fileCopy(source, target));
  }
  return entries;
}

async function fileCopy(from: string, path: string): Promise<TarEntry> {
  const [{ mode }, content] = await Promise.all([stat(from), readFile(from)]);
  return fileEntry(path, content, mode & 0o111 ? 0o755 : 0o644);
}

function fileEntry(path: string, content: Buffer, mode = 0o644): TarEntry {
  return { path, type: 'file', mode, uid: 0, gid: 0, content };
}

function directoryEntry(path: string, mode: number): TarEntry {
  return { path: `${path}/`, type: 'directory', mode, uid: 0, gid: 0 };
}

function blobPath(digest: string): string {
  return `blobs/${digest.replace(':', '/')}`;
}

function digestOf(pieces: readonly Buffer[]): string {
  const hash = createHash('sha256');
  for (const piece of pieces) hash.update(piece);
  return `sha256:${hash.digest('hex')}`;
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}
