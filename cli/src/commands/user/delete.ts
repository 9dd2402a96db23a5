import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import { withAdmin } from '../../admin/call.ts';
import { timeText } from '../../admin/list.ts';
import { confirmByName, yesOption } from '../../confirm.ts';
import { withDryRun } from '../../dry-run.ts';
import { isForPeople, type OutputFormat, outputOption, printObject, printValue } from '../../output.ts';
import { type TargetOptions, withTarget } from '../../target-options.ts';

interface Options extends TargetOptions {
  anonymize?: boolean;
  erase?: boolean;
  nickname?: string;
  reason: string;
  wait: boolean;
  yes?: boolean;
  output: OutputFormat;
}

const POLL_MS = 500;

/** `user delete <userID>`: deletes an account; repeated, it goes on waiting. */
export function userDelete(): Command {
  return withDryRun(withTarget(new Command('delete')))
    .description('delete or anonymize the account of a user; repeat it to see the progress')
    .argument('<userID>', 'user')
    .option('--anonymize', 'leave the profile, with another name')
    .option('--erase', 'also take the content of sent messages away, and remove uploaded files')
    .option('--nickname <name>', 'name that others see from now on')
    .option('--reason <text>', 'kept in the audit log', '')
    .option('--no-wait', 'do not wait for the end')
    .addOption(yesOption())
    .addOption(outputOption())
    .action(async (userID: string, options: Options) => {
      const { anonymize = false, erase = false, nickname, reason, wait, yes, output } = options;
      await confirmByName(`${anonymize ? 'anonymize' : 'delete'} the account`, userID, yes || options.dryRun);
      const { deleteUser, getUserDeletion } = await import('@im/admin-api');
      const deletion = await withAdmin(options, async (admin) => {
        const params = { userID };
        const mode = anonymize ? 'anonymize' : 'delete';
        let { deletion: now } = await admin.call(deleteUser, {
          params,
          body: { mode, erase, nickname, reason },
        });
        while (wait && now.state === 'running') {
          await sleep(POLL_MS);
          ({ deletion: now } = await admin.call(getUserDeletion, { params }));
        }
        return now;
      });
      if (!isForPeople(output)) {
        await printValue(deletion, output);
        return;
      }
      const { state, step, removed, error, finishTime } = deletion;
      const counts = Object.entries(removed).map(([name, count]) => `${name} ${count}`);
      await printObject(
        {
          ...{ userID, state, removed: counts },
          ...(state === 'running' ? { step, error } : { finished: timeText(finishTime) }),
        },
        output,
      );
    });
}
