import { Command } from 'commander';
import { withAdmin } from '../../admin/call.ts';
import { confirmByName, yesOption } from '../../confirm.ts';
import { type OutputFormat, outputOption, printObject } from '../../output.ts';
import { type TargetOptions, withTarget } from '../../target-options.ts';

interface Options extends TargetOptions {
  reason: string;
  yes?: boolean;
  output: OutputFormat;
}

/** `group dismiss <groupID>`: ends a group. */
export function groupDismiss(): Command {
  return withTarget(new Command('dismiss'))
    .description('dismiss a group; its members are notified')
    .argument('<groupID>', 'group')
    .option('--reason <text>', 'kept in the audit log', '')
    .addOption(yesOption())
    .addOption(outputOption())
    .action(async (groupID: string, { reason, yes, output, ...target }: Options) => {
      await confirmByName('dismiss the group', groupID, yes);
      const { dismissGroup } = await import('@im/admin-api');
      await withAdmin(target, (admin) =>
        admin.call(dismissGroup, { params: { groupID }, query: { reason } }),
      );
      await printObject({ groupID, dismissed: true }, output);
    });
}
