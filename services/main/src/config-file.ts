import { type ConfigSource, hashOfFiles, type LoadedConfig, readConfig } from '@im/process';
import type { RunningServer } from './server.ts';

/** How often the files are looked at. Mounted ones change by a swapped link, which file events miss. */
const POLL_MS = 2_000;

/**
 * Applies changes of the config file, and of the files that it refers to, to a running server. An invalid
 * tenant is refused alone. A config that cannot be used is reported once, and the server goes on as it was; files may change one
 * after the other, so it is tried again until it can be used.
 * @param started what the server was started with.
 */
export function followConfigFile(
  server: RunningServer,
  source: ConfigSource & { file: string },
  started: LoadedConfig,
): void {
  const { file } = source;
  let inForce = started;
  let complaint = '';
  server.metrics.observe(
    'openim_config_unusable',
    'The config file was changed to what cannot be used',
    () => (complaint === '' ? 0 : 1),
  );
  server.every('config-file', POLL_MS, async () => {
    try {
      if ((await hashOf(source, inForce)) === inForce.hash) {
        complaint = '';
        return;
      }
      const next = await readConfig(source);
      const waiting = server.reconfigure(next.config, next);
      inForce = next;
      complaint = '';
      server.log.info({ file, config: next.hash }, 'config file changed');
      if (waiting.length > 0)
        server.log.warn({ settings: waiting }, 'settings that take effect at the next start');
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      if (message === complaint) return;
      complaint = message;
      server.log.error({ file, err: error }, 'config file changed but cannot be used');
    }
  });
}

/** Undefined when a file is not there: reading the config will tell which. */
async function hashOf(source: ConfigSource, { references }: LoadedConfig): Promise<string | undefined> {
  return hashOfFiles(source, references).catch(() => undefined);
}
