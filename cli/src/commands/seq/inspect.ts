import { Command } from 'commander';
import { type OutputFormat, outputOption, printRows } from '../../output.ts';
import { asAdmin, resolveTarget } from '../../target.ts';
import { type TargetOptions, withTarget } from '../../target-options.ts';

/** `seq inspect <userID> [conversationID...]`: bounds and read positions. */
export function seqInspect(): Command {
  return withTarget(new Command('inspect'))
    .description('show what a user may read of conversations, and has read')
    .argument('<userID>', 'user')
    .argument('[conversationID...]', 'conversations; all of the user when absent')
    .addOption(outputOption())
    .action(async (userID: string, ids: string[], options: TargetOptions & { output: OutputFormat }) => {
      const { seqBounds } = await import('../../seq/seqs.ts');
      const admin = await asAdmin(await resolveTarget(options));
      const rows = (await seqBounds(admin, userID, ids)).map((bounds) => ({
        ...bounds,
        unread: Math.max(0, bounds.maxSeq - Math.max(bounds.hasReadSeq, bounds.minSeq - 1)),
      }));
      await printRows(rows, ['conversationID', 'minSeq', 'maxSeq', 'hasReadSeq', 'unread'], options.output);
    });
}
