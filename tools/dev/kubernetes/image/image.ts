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
  /** Of the image's manifest, `sha256:…`. The same inputs always give the same digest. */
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
/** Of the one platform that an image is for: this machine's. */
const ARCHITECTURE: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

/**
 * Writes an image with one layer as a tarball that containerd, Docker and kind load. No daemon, registry or root needed.
 * Folders on the way to an entry are made; everything belongs to root and is readable by all.
 * Source: OCI image layout and image spec 1.1; `manifest.json` is Docker's older format over the same blobs.
 */
export async function writeImage(spec: ImageSpec, file: string): Promise<WrittenImage> {
  const layer = [...tarOf(await layerEntries(spec.entries))];
  const layerDigest = digestOf(layer);
  const layerSize = layer.reduce((sum, piece) => sum + piece.length, 0);
  const config = json({
    architecture: ARCHITECTURE[process.arch] ?? process.arch,
    os: 'linux',
    config: {
      Env: Object.entries({ PATH: PATH_ENV, ...spec.env }).map(([key, value]) => `${key}=${value}`),
      WorkingDir: spec.workingDir ?? '/',
      User: spec.user ?? `${NON_ROOT}:${NON_ROOT}`,
      ...(spec.entrypoint && { Entrypoint: spec.entrypoint }),
      ...(spec.command && { Cmd: spec.command }),
      ...(spec.labels && { Labels: spec.labels }),
    },
    rootfs: { type: 'layers', diff_ids: [layerDigest] },
    history: [{ created_by: 'openim-operator' }],
  });
  const descriptor = (kind: string, digest: string, size: number) => ({
    mediaType: `${MEDIA}.${kind}`,
    digest,
    size,
  });
  const manifest = json({
    schemaVersion: 2,
    mediaType: `${MEDIA}.manifest.v1+json`,
    config: descriptor('config.v1+json', digestOf([config]), config.length),
    layers: [descriptor('layer.v1.tar', layerDigest, layerSize)],
  });
  const digest = digestOf([manifest]);
  const index = json({
    schemaVersion: 2,
    mediaType: `${MEDIA}.index.v1+json`,
    manifests: [
      {
        ...descriptor('manifest.v1+json', digest, manifest.length),
        annotations: {
          'io.containerd.image.name': spec.name,
          'org.opencontainers.image.ref.name': spec.name.slice(spec.name.lastIndexOf(':') + 1),
        },
      },
    ],
  });
  const dockerManifest = json([
    { Config: blobPath(digestOf([config])), RepoTags: [spec.name], Layers: [blobPath(layerDigest)] },
  ]);
  const pieces = tarOf([
    fileEntry('oci-layout', json({ imageLayoutVersion: '1.0.0' })),
    fileEntry('index.json', index),
    fileEntry('manifest.json', dockerManifest),
    fileEntry(blobPath(digestOf([config])), config),
    fileEntry(blobPath(digest), manifest),
    fileEntry(blobPath(layerDigest), Buffer.concat(layer)),
  ]);
  return { name: spec.name, digest, file, size: await writePieces(file, pieces) };
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
