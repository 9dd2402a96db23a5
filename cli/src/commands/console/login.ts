import { userInfo } from 'node:os';
import { Command, Option } from 'commander';
import { withAdmin } from '../../admin/call.ts';
import { timeText } from '../../admin/list.ts';
import { duration } from '../../arguments.ts';
import { withDryRun } from '../../dry-run.ts';
import { usageError } from '../../exit-codes.ts';
import { type OutputFormat, outputOption, printObject } from '../../output.ts';
import { resolveTarget } from '../../target.ts';
import { type TargetOptions, withTarget } from '../../target-options.ts';

interface Options extends TargetOptions {
  name?: string;
  role: 'viewer' | 'support' | 'moderator' | 'admin';
  life: number;
  allTenants: boolean;
  url?: string;
  output: OutputFormat;
}

/** The console's address. @param url of the HTTP API, as browsers reach it */
function consoleURL(url: string): string {
  let base: URL;
  try {
    base = new URL(url);
  } catch {
    throw usageError(`--url: ${url} is not an address such as https://im.example.com`);
  }
  return `${base.href.replace(/\/$/, '')}/console/`;
}

/** `console login`: a link that logs one person in to the web console, once. */
export function consoleLogin(): Command {
  return withDryRun(withTarget(new Command('login')))
    .description('create a link that logs one person in to the web console, once')
    .option('--name <name>', 'who will use it, for the audit log; the user of this machine when absent')
    .addOption(
      new Option('--role <role>', 'what they may do')
        .choices(['viewer', 'support', 'moderator', 'admin'])
        .default('admin'),
    )
    .option('--life <time>', 'how long the link can be used, 1m to 1h', duration('--life'), 600_000)
    .option(
      '--all-tenants',
      'for all tenants: only with the admin secret of the tenant that api.console.clusterTenant names',
      false,
    )
    .option('--url <url>', 'address at which browsers reach the HTTP API; that of the API when absent')
    .addOption(outputOption())
    .action(async (options: Options) => {
      const { name = userInfo().username, role, life, allTenants, url, output } = options;
      const base = consoleURL(url ?? (await resolveTarget(options)).apiUrl);
      const { createConsoleLogin } = await import('@im/admin-api');
      const body = { name, role, lifeMs: Math.round(life), allTenants };
      const { token, expireTime } = await withAdmin(options, (admin) =>
        admin.call(createConsoleLogin, { body }),
      );
      const link = `${base}#login=${token}`;
      await printObject({ link, expires: timeText(expireTime), name, role }, output);
    });
}
