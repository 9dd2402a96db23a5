import { type Command, Option } from 'commander';
import { tenant } from './arguments.ts';
import { type KubeOptions, withKube } from './cluster/options.ts';
import { DEFAULT_DATA_DIR } from './dev/state.ts';

/** Options by which a command finds its server and its rights. */
export interface TargetOptions extends KubeOptions {
  api?: string;
  ws?: string;
  tenant: string;
  adminSecret?: string;
  adminSecretFile?: string;
  adminUser?: string;
  dataDir?: string;
  cluster?: string;
  /** Change nothing, and say what would change. */
  dryRun?: boolean;
  /** Name of the context that the options come from. */
  contextName?: string;
}

/** Adds the options of {@link TargetOptions} to a command. */
export function withTarget(command: Command): Command {
  command
    .addOption(new Option('--api <url>', 'base URL of the HTTP API (env: OPENIM_API)'))
    .addOption(new Option('--ws <url>', 'base URL of the WebSocket gateway (env: OPENIM_WS)'))
    .addOption(
      new Option('--tenant <id>', 'tenant')
        .env('OPENIM_TENANT')
        .default('default')
        .argParser(tenant('--tenant')),
    )
    .addOption(new Option('--admin-secret <secret>', "the tenant's admin secret (env: OPENIM_ADMIN_SECRET)"))
    .addOption(
      new Option(
        '--admin-secret-file <file>',
        'file with the admin secret (env: OPENIM_ADMIN_SECRET_FILE); a token of a backend goes into OPENIM_ADMIN_TOKEN or a file named by OPENIM_ADMIN_TOKEN_FILE',
      ),
    )
    .addOption(
      new Option('--admin-user <userID>', 'admin user; imAdmin when absent (env: OPENIM_ADMIN_USER)'),
    )
    .addOption(
      new Option(
        '--data-dir <dir>',
        `data directory of a running \`openimctl dev\`, which knows all of the above; ${DEFAULT_DATA_DIR} when nothing is given (env: OPENIM_DATA_DIR)`,
      ),
    )
    .addOption(
      new Option(
        '--cluster <name>',
        'name or namespace/name of an OpenIMCluster on Kubernetes, which knows all of the above (env: OPENIM_CLUSTER)',
      ),
    );
  return withKube(command);
}
