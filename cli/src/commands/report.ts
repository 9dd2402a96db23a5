import { Command } from 'commander';
import { withExamined } from '../doctor/options.ts';
import { outputOption } from '../output.ts';
import type { ReportOptions } from '../report/run.ts';

/** `report`: what others need for helping, without secrets. */
export function report(): Command {
  return withExamined(new Command('report'))
    .summary('collect what helps others to help, without secrets')
    .description(
      'collect versions, findings, the config, status and metrics of processes, and the resource and pods of a cluster into a tar.gz that only you can read; secrets are masked, but look at it before you give it away: it has names of hosts and tenants',
    )
    .option('-f, --file <file>', 'file to write; openim-report-<time>.tar.gz here when absent')
    .addOption(outputOption())
    .action(async (options: ReportOptions) => {
      const { runReport } = await import('../report/run.ts');
      await runReport(options);
    });
}
