import { Command } from 'commander';
import { withAdmin } from '../../admin/call.ts';
import { timeText } from '../../admin/list.ts';
import { isForPeople, type OutputFormat, outputOption, printObject, printValue } from '../../output.ts';
import { type TargetOptions, withTarget } from '../../target-options.ts';

/** `group get <groupID>`. */
export function groupGet(): Command {
  return withTarget(new Command('get'))
    .description('show a group, also a dismissed one')
    .argument('<groupID>', 'group')
    .addOption(outputOption())
    .action(async (groupID: string, options: TargetOptions & { output: OutputFormat }) => {
      const { getGroup } = await import('@im/admin-api');
      const { group } = await withAdmin(options, (admin) => admin.call(getGroup, { params: { groupID } }));
      if (isForPeople(options.output))
        await printObject({ ...group, createTime: timeText(group.createTime) }, options.output);
      else await printValue(group, options.output);
    });
}
