import { Command } from 'commander';
import { withAdmin } from '../../admin/call.ts';
import { withDryRun } from '../../dry-run.ts';
import { usageError } from '../../exit-codes.ts';
import { type OutputFormat, outputOption, printObject } from '../../output.ts';
import { parsePlatform } from '../../platform.ts';
import { type TargetOptions, withTarget } from '../../target-options.ts';

interface Options extends TargetOptions {
  platform?: string;
  reason: string;
  output: OutputFormat;
}

/** `connection kick <userID> [connectionID]`: closes live connections, for good as far as SDKs go. */
export function connectionKick(): Command {
  return withDryRun(withTarget(new Command('kick')))
    .description('kick a connection of a user, or all; SDKs do not connect again, and tokens stay valid')
    .argument('<userID>', 'user')
    .argument('[connectionID]', 'this connection alone, as `connection list` shows it')
    .option('--platform <platform>', 'the connections of this platform, by name or number')
    .option('--reason <text>', 'kept in the audit log', '')
    .addOption(outputOption())
    .action(async (userID: string, connectionID: string | undefined, options: Options) => {
      const { platform, reason, output } = options;
      if (connectionID !== undefined && platform !== undefined)
        throw usageError('give a connection or --platform, not both');
      const platformID = platform === undefined ? undefined : (await parsePlatform(platform)).id;
      const { kickConnection, kickUser } = await import('@im/admin-api');
      const { kicked } = await withAdmin(options, (admin) =>
        connectionID === undefined
          ? admin.call(kickUser, { params: { userID }, query: { platformID, reason } })
          : admin.call(kickConnection, { params: { userID, connectionID }, query: { reason } }),
      );
      await printObject({ userID, kicked }, output);
    });
}
