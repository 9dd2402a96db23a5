import { Command } from 'commander';
import { whole } from '../../arguments.ts';
import { CommandError, EXIT } from '../../exit-codes.ts';
import { isForPeople, type OutputFormat, outputOption, printRows, printValue } from '../../output.ts';
import { showProgress } from '../../progress.ts';
import type { SeqAudit } from '../../seq/seqs.ts';
import { asAdmin, resolveTarget } from '../../target.ts';
import { type TargetOptions, withTarget } from '../../target-options.ts';

interface Options extends TargetOptions {
  last?: number;
  output: OutputFormat;
}

/** Gaps that a table names of one conversation. */
const SHOWN = 5;

/** `seq audit <userID> [conversationID...]`: reads every seq as the user does. */
export function seqAudit(): Command {
  return withTarget(new Command('audit'))
    .description(
      'read every seq of conversations as a user does: gaps, bounds and read positions that contradict each other; exit code 4 when there are any',
    )
    .argument('<userID>', 'user')
    .argument('[conversationID...]', 'conversations; all of the user when absent')
    .option('--last <n>', 'only the last seqs of each conversation', whole('--last'))
    .addOption(outputOption())
    .action(async (userID: string, ids: string[], { last, output, ...target }: Options) => {
      const { auditSeqs, seqBounds } = await import('../../seq/seqs.ts');
      const admin = await asAdmin(await resolveTarget(target));
      const all = await seqBounds(admin, userID, ids);
      const audits: SeqAudit[] = [];
      let seen = 0;
      {
        using _shown = showProgress(
          () => `${audits.length} of ${all.length} conversations, ${seen} seqs looked at`,
        );
        for (const bounds of all) {
          const from = last === undefined ? 1 : bounds.maxSeq - last + 1;
          audits.push(
            await auditSeqs(admin, userID, bounds, from, (seqs) => {
              seen += seqs;
            }),
          );
        }
      }
      const rows = audits.map(({ gaps, ...audit }) => ({
        ...audit,
        gaps: gaps.length > SHOWN ? [...gaps.slice(0, SHOWN), '...'] : gaps,
      }));
      const columns = ['conversationID', 'minSeq', 'maxSeq', 'messages', 'placeholders', 'gaps', 'faults'];
      if (isForPeople(output)) await printRows(rows, columns, output);
      else await printValue(audits, output, 'conversationID');
      const bad = audits.filter(({ faults }) => faults.length > 0).length;
      if (bad > 0)
        throw new CommandError(EXIT.violated, `${bad} of ${audits.length} conversations have faults`);
    });
}
