import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findOnPath, runCommand } from '@im/dev-stores';

/** Names of architectures in Debian. */
export type DebianArchitecture = 'amd64' | 'arm64';

/** Why packages of another architecture cannot be unpacked here; undefined where they can. */
export async function whyNoDebianFiles(): Promise<string | undefined> {
  for (const command of ['apt-get', 'dpkg-deb'])
    if ((await findOnPath(command)) === undefined)
      return `${command} is not on PATH: packages of another architecture can be unpacked on Debian and Ubuntu alone`;
  return undefined;
}

/**
 * Unpacks Debian packages of any architecture into a folder. They come from the sources that apt is configured for, checked by its
 * keys; nothing is installed, and what apt knows of this machine stays as it is.
 * @param work folder for lists of packages
 */
export async function unpackDebian(
  packages: readonly string[],
  architecture: DebianArchitecture,
  work: string,
  into: string,
): Promise<void> {
  for (const dir of ['state/lists/partial', 'cache/archives/partial', 'packages'])
    await mkdir(join(work, dir), { recursive: true });
  await writeFile(join(work, 'status'), '');
  const options = [
    `APT::Architecture=${architecture}`,
    `APT::Architectures=${architecture}`,
    `Dir::State=${join(work, 'state')}`,
    `Dir::State::status=${join(work, 'status')}`,
    `Dir::Cache=${join(work, 'cache')}`,
    'Acquire::Languages=none',
    'APT::Sandbox::User=root',
  ].flatMap((option) => ['-o', option]);
  await runCommand('apt-get', [...options, 'update']);
  const folder = join(work, 'packages');
  await runCommand('apt-get', [...options, 'download', ...packages], { cwd: folder });
  for (const file of (await readdir(folder)).toSorted())
    await runCommand('dpkg-deb', ['-x', join(folder, file), into]);
}
