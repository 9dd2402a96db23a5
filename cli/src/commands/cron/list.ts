import { Command } from 'commander';
import { withAdmin } from '../../admin/call.ts';
import { cronJobs, JOB_COLUMNS, jobRow, silentSince } from '../../cron/jobs.ts';
import { isForPeople, type OutputFormat, outputOption, printRows, printValue } from '../../output.ts';
import { type TargetOptions, withTarget } from '../../target-options.ts';

interface Options extends TargetOptions {
  output: OutputFormat;
}

/** `cron list [job]`: scheduled jobs, their last run for a tenant, and the next. */
export function cronList(): Command {
  return withTarget(new Command('list'))
    .description('list scheduled jobs, with their last run for the tenant and the next one')
    .argument('[job]', 'show this one, with what its last run reported')
    .addOption(outputOption())
    .action(async (name: string | undefined, options: Options) => {
      const { output } = options;
      const jobs = await withAdmin(options, (admin) => cronJobs(admin, name));
      if (!isForPeople(output)) {
        await printValue(name === undefined ? jobs : jobs[0], output);
        return;
      }
      await printRows(jobs.map(jobRow), JOB_COLUMNS, output);
      const { error = '', report = '' } = (name !== undefined && jobs[0]?.last) || {};
      if (error !== '') console.log(`error: ${error}`);
      if (report !== '') console.log(`report: ${JSON.stringify(JSON.parse(report), null, 2)}`);
      const silent = silentSince(jobs, Date.now());
      if (silent !== undefined) console.error(silent);
    });
}
