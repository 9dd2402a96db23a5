import { stat } from 'node:fs/promises';
import { type ConfigSource, loadConfig } from '@im/kit';
import type { RunningServer } from './server.ts';

/** How often the file is looked at. Mounted config maps change by a swapped link, which file events miss. */
const LOOK_MS = 2_000;

/**
 * Applies changes of the config file to a running server: tenants and log level at once, the rest at
 * the next start. A file that cannot be used is reported and the server goes on as it was.
 */
export async function followConfigFile(
  server: RunningServer,
  source: ConfigSource & { file: string },
): Promise<void> {
  let seen = await fingerprint(source.file);
  server.every('config-file', LOOK_MS, async () => {
    const now = await fingerprint(source.file);
    if (now === seen) return;
    seen = now;
    try {
      server.reconfigure(await loadConfig(source));
      server.log.info({ file: source.file }, 'config file changed');
    } catch (error) {
      server.log.error({ file: source.file, err: error }, 'config file changed but cannot be used');
    }
  });
}

async function fingerprint(file: string): Promise<string> {
  try {
    const { ino, mtimeMs, size } = await stat(file);
    return `${ino} ${mtimeMs} ${size}`;
  } catch {
    return 'absent';
  }
}
