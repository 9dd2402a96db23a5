import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { findOnPath, installedDir, printToStderr, runCommand } from '@im/dev-stores';

/** Paths of the programs. */
export interface PrometheusPrograms {
  readonly prometheus: string;
  readonly promtool: string;
}

const PACKAGE = 'prometheus';

/**
 * The programs on PATH, or else those of Debian's package, which is unpacked into the cache of this project: nothing is
 * installed into the system, and no service is started. Needs apt-get the first time, and no root unless its lists are
 * missing.
 * @throws Error with what to install.
 */
export async function prometheusPrograms(): Promise<PrometheusPrograms> {
  const [prometheus, promtool] = await Promise.all([findOnPath('prometheus'), findOnPath('promtool')]);
  if (prometheus !== undefined && promtool !== undefined) return { prometheus, promtool };
  const dir = await installedDir(PACKAGE, 'debian', unpack);
  return { prometheus: join(dir, 'usr/bin/prometheus'), promtool: join(dir, 'usr/bin/promtool') };
}

async function unpack(dir: string): Promise<string> {
  const advice = 'Prometheus is missing: put prometheus and promtool on PATH';
  if ((await findOnPath('apt-get')) === undefined || (await findOnPath('dpkg-deb')) === undefined) {
    throw new Error(advice);
  }
  printToStderr(`[${PACKAGE}] downloading Debian's package: apt-get download ${PACKAGE}`);
  const download = () => runCommand('apt-get', ['download', '-q', PACKAGE], { cwd: dir });
  try {
    await download().catch(async (error: Error) => {
      if (process.getuid?.() !== 0) throw error;
      await runCommand('apt-get', ['update', '-q']);
      await download();
    });
  } catch (error) {
    throw new Error(`${advice}, or run apt-get update as root`, { cause: error });
  }
  const file = (await readdir(dir)).find((name) => name.endsWith('.deb'));
  if (file === undefined) throw new Error(`apt-get download ${PACKAGE} left no file in ${dir}`);
  await runCommand('dpkg-deb', ['-x', join(dir, file), dir]);
  await rm(join(dir, file));
  return 'usr/bin/prometheus';
}
