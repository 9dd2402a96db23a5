import { Command, Option } from 'commander';
import { withAdmin } from '../../admin/call.ts';
import { duration } from '../../arguments.ts';
import { DryRun, withDryRun } from '../../dry-run.ts';
import { usageError } from '../../exit-codes.ts';
import { isForPeople, type OutputFormat, outputOption, printObject } from '../../output.ts';
import { parsePlatform } from '../../platform.ts';
import { asAdmin, noSuchUser, resolveTarget, type Target, userToken } from '../../target.ts';
import { type TargetOptions, withTarget } from '../../target-options.ts';

interface Options extends TargetOptions {
  platform?: string;
  role?: 'issue' | 'read' | 'full';
  ttl?: number;
  description?: string;
  output: OutputFormat;
}

/**
 * `token create [userID]`: issues a user's token, which ends earlier logins as the tenant's policy says, or by `--role`
 * one of a backend.
 */
export function tokenCreate(): Command {
  return withDryRun(withTarget(new Command('create')))
    .description(
      "issue a user's token (earlier logins on that platform end, as the tenant's policy says), or with --role one of a backend",
    )
    .argument('[userID]', 'user; none with --role')
    .option('--platform <name>', 'platform of the user, by name or number; web when absent')
    .addOption(
      new Option(
        '--role <role>',
        'a token for a backend instead: issue issues tokens of users, read reads, full does all but issue such tokens',
      ).choices(['issue', 'read', 'full']),
    )
    .option(
      '--ttl <time>',
      'time until the token of a backend expires, 1m to 30d; 1h when absent',
      duration('--ttl'),
    )
    .option('--description <text>', 'what the token of a backend is for')
    .addOption(outputOption())
    .action(async (userID: string | undefined, options: Options) => {
      if (options.role === undefined) await createForUser(userID, options);
      else await createForBackend(userID, options, options.role);
    });
}

async function createForUser(userID: string | undefined, options: Options): Promise<void> {
  if (userID === undefined) throw usageError('<userID> is missing; give a user, or --role for a backend');
  for (const name of ['ttl', 'description'] as const)
    if (options[name] !== undefined) throw usageError(`--${name} is for tokens of backends: add --role`);
  const { id: platformID } = await parsePlatform(options.platform ?? 'web');
  const target = await resolveTarget(options);
  if (options.dryRun) await wouldIssue(target, userID, platformID);
  const token = await userToken(target, userID, platformID);
  if (isForPeople(options.output)) console.log(token);
  else {
    const { apiUrl: api, wsUrl: ws } = target;
    await printObject({ userID, platformID, token, api, ws }, options.output);
  }
}

/** Ends a dry run. @throws CommandError `usage` when there is no such user. */
async function wouldIssue(target: Target, userID: string, platformID: number): Promise<never> {
  const { existingUsers } = await import('../../user/existing.ts');
  const found = await existingUsers(await asAdmin(target), [userID]);
  if (!found.has(userID)) throw noSuchUser(userID);
  throw new DryRun("issue a user's token", { server: target.apiUrl, userID, platformID });
}

async function createForBackend(
  userID: string | undefined,
  options: Options,
  role: NonNullable<Options['role']>,
): Promise<void> {
  if (userID !== undefined || options.platform !== undefined)
    throw usageError('--role issues a token of a backend, which has no user and no platform: leave them out');
  const { createBackendToken } = await import('@im/admin-api');
  const { ttl: ttlMs = 3_600_000, description = '', output } = options;
  const body = { role, lifeSeconds: Math.ceil(ttlMs / 1_000), description };
  const { token, issued } = await withAdmin(options, (admin) => admin.call(createBackendToken, { body }));
  if (isForPeople(output)) console.log(token);
  else {
    const { tokenID: id, expireTime } = issued;
    await printObject({ id, role, token, expires: new Date(expireTime).toISOString() }, output);
  }
}
