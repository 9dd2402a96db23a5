import type { ServerConfig } from '@im/contract';
import { type Metrics, messageOf } from '@im/kit';
import { type ConfigSource, hashOfFiles, type LoadedConfig, readConfig } from './config-load.ts';
import type { Logger } from './log.ts';
import { TenantFilesChangingError } from './tenant-files.ts';

/** How often the files are read. Mounted ones change by a swapped link, which file events miss. */
const POLL_MS = 2_000;

/** Looks in a row at tenant files of different versions after which they are reported: kubelets take two minutes. */
const MOST_CHANGING = 90;

/** What a changed config file is applied to. */
export interface ConfigTarget {
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Runs `work` every `intervalMs` for as long as the process runs. */
  every(name: string, intervalMs: number, work: () => Promise<void>): void;
  /** Takes over the settings that may change while the process runs. @returns those that wait for the next start. */
  reconfigure(config: ServerConfig, loaded: LoadedConfig): readonly string[];
}

/**
 * Applies changes of the config file, and of the files that it refers to, to a running process. An invalid
 * tenant is refused alone. A config that cannot be used is reported once, and the process goes on as it was; files may
 * change one after the other, so it is tried again until it can be used.
 * @param started what the process was started with.
 */
export function watchConfigFile(
  target: ConfigTarget,
  source: ConfigSource & { file: string },
  started: LoadedConfig,
): void {
  const { file } = source;
  let inForce = started;
  let complaint = '';
  let changing = 0;
  target.metrics.observe(
    'openim_config_unusable',
    'The config file was changed to what cannot be used',
    () => (complaint === '' ? 0 : 1),
  );
  target.every('config-file', POLL_MS, async () => {
    try {
      if ((await hashOf(source, inForce)) === inForce.state) {
        complaint = '';
        changing = 0;
        return;
      }
      const next = await readConfig({ ...source, tenantVersions: 'match' });
      changing = 0;
      const waiting = target.reconfigure(next.config, next);
      inForce = next;
      complaint = '';
      target.log.info({ file, config: next.hash }, 'config file changed');
      if (waiting.length > 0)
        target.log.warn({ settings: waiting }, 'settings that take effect at the next start');
    } catch (error) {
      if (error instanceof TenantFilesChangingError && ++changing < MOST_CHANGING) return;
      const message = messageOf(error);
      if (message === complaint) return;
      complaint = message;
      target.log.error({ file, err: error }, 'config file changed but cannot be used');
    }
  });
}

/** Undefined when a file is missing: reading the config says which. */
async function hashOf(source: ConfigSource, { references }: LoadedConfig): Promise<string | undefined> {
  return hashOfFiles(source, references).catch(() => undefined);
}
