import { Command, Option } from 'commander';
import { duration, repeated, whole } from '../arguments.ts';
import type { BenchCommandOptions } from '../bench/bench-arguments.ts';
import { withDryRun } from '../dry-run.ts';
import { withTarget } from '../target-options.ts';

/** `bench`: latency, CPU and memory under load. */
export function bench(): Command {
  return withDryRun(withTarget(new Command('bench')))
    .summary('measure a server under load')
    .description(
      'measure latency, CPU per operation, memory and losses under load: of a server that it starts, or of another OpenIM-compatible one that flags or the environment name',
    )
    .option(
      '--scenario <names>',
      'of single, hot, group-1000, pull, http, logins, idle, joined by commas, which are all that run when absent; or tenants, bystander or soak',
    )
    .option(
      '--runs <n>',
      'times that each is run; 3 when absent, tenants, bystander and soak once',
      whole('--runs'),
    )
    .option('--seconds <n>', 'length of one measurement; 15 when absent', whole('--seconds'))
    .option('--rates <list>', 'messages/s of scenario single, joined by commas; 0 is a closed loop')
    .option(
      '--hooks <names>',
      'of before and after, joined by commas: scenario single runs with this webhook of each message as well; own server only',
    )
    .option(
      '--connections <n>',
      'connections of scenarios idle and logins and of the attack reconnects; 5000 when absent',
      whole('--connections'),
    )
    .option('--tenants <n>', 'tenants that scenario tenants adds; 1000 when absent', whole('--tenants'))
    .option(
      '--in-flight <n>',
      'tokens, and connections, that are asked for at once; 16 and 32 when absent',
      whole('--in-flight'),
    )
    .addOption(
      new Option('--attack <name>', 'attack of scenario bystander, may be repeated; all when absent')
        .argParser(repeated((text: string) => text))
        .default([], 'all'),
    )
    .option(
      '--duration <time>',
      'length of scenario soak, 40m when absent, or of an attack of bystander, 15s when absent',
      duration('--duration'),
    )
    .option('--rate <n>', 'messages/s of scenario soak; 1500 when absent', whole('--rate'))
    .option('--bytes <n>', 'length of a text of scenario soak; 1024 when absent', whole('--bytes'))
    .option(
      '--transfers <n>',
      'processes of an own server with the role transfer; 2 when absent, 1 with soak or topology one; with 2 or more, soak writes into one partition, so that the others own idle ones',
      whole('--transfers'),
    )
    .addOption(new Option('--encoding <name>', 'envelope; json when absent').choices(['json', 'gob']))
    .option('--gzip', 'compress frames', false)
    .addOption(
      new Option('--topology <name>', 'processes of an own server; many when absent').choices([
        'one',
        'many',
      ]),
    )
    .option('--profile <dir>', "directory for CPU profiles of an own server's processes")
    .option('--out <file>', 'file for the results as JSON; bench-results/<time>.json when absent')
    .option('--pids <list>', "ids of the measured server's processes on this machine, for CPU and memory")
    .option('--store-pids <list>', 'ids of its store servers')
    .action(async (options: BenchCommandOptions) => {
      const { runBenchCommand } = await import('../bench/run.ts');
      await runBenchCommand(options);
    });
}
