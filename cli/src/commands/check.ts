import { Command } from 'commander';
import type { ExamineOptions } from '../doctor/examine.ts';
import { withExamined } from '../doctor/options.ts';

/** `check`: the findings of `doctor` for monitors. */
export function check(): Command {
  return withExamined(new Command('check'))
    .summary('examine a server for Nagios and the like')
    .description(
      'examine as `doctor` does, and print one line with figures; exit code 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN, as Nagios plugins have them',
    )
    .action(async (options: ExamineOptions) => {
      const { runCheck } = await import('../doctor/run.ts');
      await runCheck(options);
    });
}
