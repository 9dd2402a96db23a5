import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cp,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { buildProductImage, type KubernetesCluster } from '@im/dev-kubernetes';
import { backendsCacheDir, runCommand } from '@im/dev-stores';
import { loadProductImage } from './images.ts';

/** A change of one file of the sources. */
export interface Edit {
  /** Path below the root of the repository. */
  readonly file: string;
  /** What occurs in it exactly once. */
  readonly from: string;
  readonly to: string;
}

/** A build of the product from other sources than those of the working tree. */
export interface OtherBuild {
  /** Commit whose sources are taken. @default those of the working tree */
  readonly commit?: string;
  /** Version of the build. @default that of the sources */
  readonly version?: string;
  /** Changes of the sources. @default none */
  readonly edits?: readonly Edit[];
}

const ROOT = join(import.meta.dirname, '../../../../..');
/** Packages whose place in `node_modules` is a link to a folder of the repository come with the sources. */
const MODULES = 'node_modules';
const MANIFEST = 'package.json';
/** Built by every bundle, unless what it is built from is unchanged. */
const CONSOLE = 'services/console/dist';

const git = async (...args: readonly string[]): Promise<string> =>
  (await promisify(execFile)('git', ['-C', ROOT, ...args], { maxBuffer: 64 * 1_024 * 1_024 })).stdout;

/** Whether the sources of a commit can be had: a shallow clone has only the newest. */
export async function hasCommit(commit: string): Promise<boolean> {
  return await git('cat-file', '-e', `${commit}^{commit}`).then(
    () => true,
    () => false,
  );
}

/**
 * Builds the product from other sources with the packages that are installed here, and loads its image. Bundles of a
 * commit are kept in the cache.
 * @returns the name of the image. @throws when an edit does not fit its file.
 */
export async function loadOtherBuild(
  cluster: KubernetesCluster,
  build: OtherBuild,
  print: (line: string) => void = () => {},
): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'openim-other-build-'));
  try {
    const app = await bundleOf(build, dir, print);
    const file = join(dir, 'product.tar');
    const image = await buildProductImage({ file, app, ...(build.version && { version: build.version }) });
    await loadProductImage(cluster, image, print);
    return image.name;
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** The folder of a bundle: a new one in `dir`, or one of a commit in the cache. */
async function bundleOf(build: OtherBuild, dir: string, print: (line: string) => void): Promise<string> {
  const bundle = async (out: string): Promise<void> => {
    print(`bundling ${build.commit?.slice(0, 12) ?? 'a changed tree'}`);
    const tree = join(dir, 'tree');
    await writeTree(build, tree);
    await runCommand(process.execPath, [join(tree, 'tools/bundle.ts'), '--out', out]);
  };
  const app = join(dir, 'app');
  if (build.commit === undefined) {
    await bundle(app);
    return app;
  }
  const lock = await readFile(join(ROOT, 'package-lock.json'), 'utf8');
  const key = createHash('sha256').update(JSON.stringify(build)).update(lock).digest('hex').slice(0, 16);
  const kept = join(backendsCacheDir(), 'builds', key);
  if (await exists(kept)) return kept;
  await mkdir(dirname(kept), { recursive: true });
  const made = `${kept}.${process.pid}`;
  await bundle(made);
  // Another process may have been first.
  await rename(made, kept).catch(() => rm(made, { recursive: true, force: true }));
  return kept;
}

/** Writes the sources of a build, with links to the installed packages. */
async function writeTree({ commit, version, edits = [] }: OtherBuild, tree: string): Promise<void> {
  await mkdir(tree, { recursive: true });
  if (commit === undefined) await copySources(tree);
  else await unpackCommit(commit, tree);
  await linkPackages(join(ROOT, MODULES), join(tree, MODULES));
  const versioned: readonly Edit[] = version === undefined ? [] : [await versionEdit(tree, version)];
  for (const edit of [...versioned, ...edits]) await change(tree, edit);
}

async function copySources(tree: string): Promise<void> {
  const listed = await git('ls-files', '-z', '--cached', '--others', '--exclude-standard');
  for (const file of listed.split('\0')) {
    if (file !== '' && (await exists(join(ROOT, file)))) await cp(join(ROOT, file), join(tree, file));
  }
  if (await exists(join(ROOT, CONSOLE))) {
    await cp(join(ROOT, CONSOLE), join(tree, CONSOLE), { recursive: true, preserveTimestamps: true });
  }
}

async function unpackCommit(commit: string, tree: string): Promise<void> {
  const archive = `${tree}.tar`;
  await git('archive', '--format=tar', `--output=${archive}`, commit);
  await runCommand('tar', ['-xf', archive, '-C', tree]);
  await rm(archive);
}

/** Links a folder of packages: to the installed ones, and to those of the repository as they are linked here. */
async function linkPackages(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  for (const { name } of await readdir(from, { withFileTypes: true })) {
    const source = join(from, name);
    const info = await lstat(source);
    if (name.startsWith('@')) await linkPackages(source, join(to, name));
    else if (info.isSymbolicLink()) await cp(source, join(to, name), { verbatimSymlinks: true });
    else if (name !== '.cache') await symlink(source, join(to, name));
  }
}

async function versionEdit(tree: string, version: string): Promise<Edit> {
  const { version: own }: { version: string } = JSON.parse(await readFile(join(tree, MANIFEST), 'utf8'));
  const line = (text: string) => `"version": ${JSON.stringify(text)}`;
  return { file: MANIFEST, from: line(own), to: line(version) };
}

async function change(tree: string, { file, from, to }: Edit): Promise<void> {
  const path = join(tree, file);
  const text = await readFile(path, 'utf8');
  const parts = text.split(from);
  if (parts.length !== 2) throw new Error(`${file} has ${JSON.stringify(from)} ${parts.length - 1} times`);
  await writeFile(path, parts.join(to));
}

async function exists(path: string): Promise<boolean> {
  return await lstat(path).then(
    () => true,
    () => false,
  );
}
