import { parseArgs } from 'node:util';
import {
  createLogger,
  productVersion,
  readStartConfig,
  runProcess,
  warnOfDeprecated,
  watchConfigFile,
} from '@im/process';
import { endNoMoreOnSignals } from './early-end.ts';
import { ROLES } from './roles.ts';
import { type Overrides, runServer } from './server.ts';

const USAGE = `usage: serve <role> [<role> ...] [--config <file>]
       version
roles: ${ROLES.join(', ')}`;

/** Time between the longest duration of an orderly stop and the end by force, ms. */
const FORCE_AFTER_MS = 5_000;

/**
 * The life of a server process: arguments and config, the server, signals, the end by an empty event
 * loop. Sets the exit code and, when something keeps the process alive or breaks, ends it.
 * @param args what follows the script's name, for example `serve gateway --config im.yaml`; `version` prints one line.
 */
export async function serve(args: readonly string[], overrides?: Overrides): Promise<void> {
  if (args.length === 1 && args[0] === 'version') {
    process.stdout.write(
      `openim ${productVersion()} node ${process.version} ${process.platform}/${process.arch}\n`,
    );
    return;
  }
  await runProcess(async ({ signal, supervise }) => {
    const { roles, file } = parseCommand(args);
    const loaded = await readStartConfig({ file });
    const { config, hash: configHash, invalidTenants, tenantHashes } = loaded;
    const log = createLogger({ level: config.log.level, fields: { role: roles.join(',') } });
    warnOfDeprecated(loaded.deprecated, log);
    let longestStopMs = () => config.shutdown.deadlineMs;
    supervise({ log, forceAfterMs: () => longestStopMs() + FORCE_AFTER_MS });
    endNoMoreOnSignals();
    const server = await runServer(config, {
      roles,
      configHash,
      invalidTenants,
      tenantHashes,
      signal,
      log,
      overrides,
    });
    ({ longestStopMs } = server);
    if (file !== undefined) watchConfigFile(server, { file }, loaded);
  });
}

function parseCommand(args: readonly string[]): { roles: string[]; file: string | undefined } {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { config: { type: 'string', short: 'c' } },
    });
    const [command, ...roles] = positionals;
    if (command !== 'serve' || roles.length === 0) throw new RangeError(USAGE);
    return { roles, file: values.config };
  } catch (error) {
    if (error instanceof TypeError) throw new RangeError(`${error.message}\n${USAGE}`);
    throw error;
  }
}
