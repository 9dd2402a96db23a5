import { Command } from 'commander';
import { withAdmin } from '../../admin/call.ts';
import { confirmByName, yesOption } from '../../confirm.ts';
import { withDryRun } from '../../dry-run.ts';
import { type OutputFormat, outputOption, printObject } from '../../output.ts';
import { type TargetOptions, withTarget } from '../../target-options.ts';

interface Options extends TargetOptions {
  reason: string;
  yes?: boolean;
  output: OutputFormat;
}

/** `group dismiss <groupID>`: ends a group. */
export function groupDismiss(): Command {
  return withDryRun(withTarget(new Command('dismiss')))
    .description('dismiss a group; its members are notified')
    .argument('<groupID>', 'group')
    .option('--reason <text>', 'kept in the audit log', '')
    .addOption(yesOption())
    .addOption(outputOption())
    .action(async (groupID: string, options: Options) => {
      const { reason, yes, output } = options;
      await confirmByName('dismiss the group', groupID, yes || options.dryRun);
      const { dismissGroup } = await import('@im/admin-api');
      await withAdmin(options, (admin) =>
        admin.call(dismissGroup, { params: { groupID }, query: { reason } }),
      );
      await printObject({ groupID, dismissed: true }, output);
    });
}
