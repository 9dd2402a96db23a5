import { Command } from 'commander';
import { withAdmin } from '../../admin/call.ts';
import { duration } from '../../arguments.ts';
import { JOB_COLUMNS, jobRow, runJob } from '../../cron/jobs.ts';
import { withDryRun } from '../../dry-run.ts';
import { EXIT } from '../../exit-codes.ts';
import { isForPeople, type OutputFormat, outputOption, printRows, printValue } from '../../output.ts';
import { type TargetOptions, withTarget } from '../../target-options.ts';

interface Options extends TargetOptions {
  timeout: number;
  reason: string;
  output: OutputFormat;
}

/** `cron run <job>`: runs a job for the tenant now, and prints the outcome. */
export function cronRun(): Command {
  return withDryRun(withTarget(new Command('run')))
    .description(
      'run a scheduled job for the tenant now, after a run that is under way, and print the outcome',
    )
    .argument('<job>', 'name of the job, as `cron list` shows it')
    .option('--timeout <time>', 'longest wait for its end, such as 10m', duration('--timeout'), 600_000)
    .option('--reason <text>', 'kept in the audit log', '')
    .addOption(outputOption())
    .action(async (name: string, options: Options) => {
      const { timeout: timeoutMs, reason, output } = options;
      const job = await withAdmin(options, (admin, say) => runJob(admin, name, { timeoutMs, reason, say }));
      if (isForPeople(output)) await printRows([jobRow(job)], JOB_COLUMNS, output);
      else await printValue(job, output);
      if (job.last?.outcome !== 'error') return;
      console.error(`error: ${job.last.error}`);
      process.exitCode = EXIT.refused;
    });
}
