import { Command } from 'commander';
import { withAdmin } from '../../admin/call.ts';
import { timeText } from '../../admin/list.ts';
import { duration } from '../../arguments.ts';
import { withDryRun } from '../../dry-run.ts';
import { usageError } from '../../exit-codes.ts';
import { type OutputFormat, outputOption, printObject } from '../../output.ts';
import { type TargetOptions, withTarget } from '../../target-options.ts';

interface Options extends TargetOptions {
  for?: number;
  until?: number;
  reason: string;
  output: OutputFormat;
}

function date(text: string): number {
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) throw usageError(`--until: ${text} is not a time such as 2026-12-31T18:00Z`);
  return ms;
}

/** `user ban <userID>`: ends all logins, and refuses new ones. */
export function userBan(): Command {
  return withDryRun(withTarget(new Command('ban')))
    .description('ban a user: all logins end, new ones are refused')
    .argument('<userID>', 'user')
    .option('--for <time>', 'length of the ban, such as 12h or 7d; for ever when absent', duration('--for'))
    .option('--until <time>', 'end of the ban instead, such as 2026-12-31T18:00Z', date)
    .option('--reason <text>', 'shown to the user, and kept in the audit log', '')
    .addOption(outputOption())
    .action(async (userID: string, options: Options) => {
      const { for: lengthMs, until, reason, output } = options;
      if (lengthMs !== undefined && until !== undefined) throw usageError('give --for or --until, not both');
      const untilTime = until ?? (lengthMs === undefined ? 0 : Math.round(Date.now() + lengthMs));
      const { banUser } = await import('@im/admin-api');
      const { ban } = await withAdmin(options, (admin) =>
        admin.call(banUser, { params: { userID }, body: { untilTime, reason } }),
      );
      const bannedUntil = timeText(ban.untilTime) || 'no end';
      await printObject({ userID, bannedUntil, reason: ban.reason }, output);
    });
}
