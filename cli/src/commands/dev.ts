import { Command, Option } from 'commander';
import { port, repeated, tenant } from '../arguments.ts';
import type { DevOptions } from '../dev/run.ts';
import { DEFAULT_DATA_DIR } from '../dev/state.ts';

/** `dev`: the whole server in this process, with its own store servers. */
export function dev(): Command {
  return new Command('dev')
    .summary('run the whole server in one process')
    .description(
      'run the whole server in one process, with its own store servers; prints one line of JSON on stdout when ready, logs on stderr',
    )
    .option('--api-port <port>', 'port of the HTTP API; 10002 when absent', port('--api-port'))
    .option('--ws-port <port>', 'port of the WebSocket gateway; 10001 when absent', port('--ws-port'))
    .option(
      '--ops-port <port>',
      'port of /healthz, /readyz and /metrics; 10300 when absent',
      port('--ops-port'),
    )
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .addOption(
      new Option(
        '--admin-secret <secret>',
        'admin secret of tenant default; generated and kept in the data directory when absent (env: OPENIM_ADMIN_SECRET)',
      ),
    )
    .addOption(
      new Option(
        '--admin-secret-file <file>',
        'file with the admin secret of tenant default (env: OPENIM_ADMIN_SECRET_FILE)',
      ),
    )
    .option('--admin-user <userID>', 'admin user of every tenant', 'imAdmin')
    .option(
      '--tenant <id>',
      'a further tenant, reached by the path /t/<id>; may be repeated',
      repeated(tenant('--tenant')),
      [],
    )
    .addOption(
      new Option('--data-dir <dir>', 'where everything is kept')
        .env('OPENIM_DATA_DIR')
        .default(DEFAULT_DATA_DIR),
    )
    .option(
      '--config <file>',
      'YAML with settings of the server (docs/reference/config.md); flags win, and stores are named by flags alone',
    )
    .addOption(new Option('--nats-url <url>', 'use this NATS instead of an own one').env('NATS_URL'))
    .addOption(new Option('--mongo-uri <uri>', 'use this MongoDB instead of an own one').env('MONGO_URI'))
    .addOption(new Option('--redis-url <url>', 'use this Redis instead of an own one').env('REDIS_URL'))
    .addOption(
      new Option(
        '--s3-endpoint <url>',
        'use this object storage instead of an own one (keys: S3_ACCESS_KEY, S3_SECRET_KEY)',
      ).env('S3_ENDPOINT'),
    )
    .addOption(
      new Option('--log-level <level>', 'least severe lines to log; info when absent').choices([
        'debug',
        'info',
        'warn',
        'error',
      ]),
    )
    .action(async (options: DevOptions) => {
      const { runDev } = await import('../dev/run.ts');
      await runDev(options);
    });
}
