import { userInfo } from 'node:os';
import { Command, Option } from 'commander';
import { withAdmin } from '../../admin/call.ts';
import { timeText } from '../../admin/list.ts';
import { duration } from '../../arguments.ts';
import { withDryRun } from '../../dry-run.ts';
import { usageError } from '../../exit-codes.ts';
import { type OutputFormat, outputOption, printObject } from '../../output.ts';
import { resolveTarget, type Target } from '../../target.ts';
import { type TargetOptions, withTarget } from '../../target-options.ts';

interface Options extends TargetOptions {
  name?: string;
  role: 'viewer' | 'support' | 'moderator' | 'admin';
  life: number;
  allTenants: boolean;
  url?: string;
  output: OutputFormat;
}

/** A given address without a slash at its end. @throws CommandError `usage` */
function givenURL(url: string): string {
  const parsed = URL.parse(url);
  if (!parsed) throw usageError(`--url: ${url} is not an address such as https://im.example.com`);
  return parsed.href.replace(/\/$/, '');
}

/** @throws CommandError `usage` for a console that only pods reach, by the status of its cluster */
async function requireReachable({ console }: Target): Promise<void> {
  const known = URL.parse(console ?? '');
  const { isInside } = await import('../../cluster/server.ts');
  if (!known || !isInside(known)) return;
  const [service, namespace] = known.hostname.split('.');
  throw usageError(
    `the console is at ${known.href} inside the cluster only: run kubectl port-forward -n ${namespace} service/${service} 8080:${known.port || '80'}, and give --url http://localhost:8080; or set spec.console.ingress`,
  );
}

/**
 * The console's address: at the one that was given, the one that the server knows, that of the cluster's status, or that of
 * the HTTP API.
 * @param answer a former server has neither address nor path
 */
export async function consoleURL(
  { address, path = '/console/' }: { readonly address?: string; readonly path?: string },
  { url, tenant }: Pick<Options, 'url' | 'tenant'>,
  target: Pick<Target, 'apiUrl' | 'console'>,
): Promise<string> {
  if (url !== undefined) return givenURL(url) + path;
  if (address !== undefined && address !== path) return address;
  if (target.console === undefined) return target.apiUrl + path;
  const { tenantURL } = await import('@im/contract');
  const root = target.console.endsWith(path) ? target.console.slice(0, -path.length) : target.console;
  return tenantURL(root.replace(/\/$/, ''), tenant) + path;
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
    .option(
      '--url <url>',
      'address below which browsers have the path of the console; api.console.publicURL, or that of the HTTP API, when absent',
    )
    .addOption(outputOption())
    .action(async (options: Options) => {
      const { name = userInfo().username, role, life, allTenants, output } = options;
      if (options.url !== undefined) givenURL(options.url);
      const target = await resolveTarget(options);
      if (options.url === undefined) await requireReachable(target);
      const { createConsoleLogin } = await import('@im/admin-api');
      const body = { name, role, lifeMs: Math.round(life), allTenants };
      const answer = await withAdmin(options, (admin) => admin.call(createConsoleLogin, { body }), target);
      const link = `${await consoleURL(answer, options, target)}#login=${answer.token}`;
      await printObject({ link, expires: timeText(answer.expireTime), name, role }, output);
    });
}
