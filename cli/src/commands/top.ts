import { Command, Option } from 'commander';
import { duration, repeated } from '../arguments.ts';
import { outputOption } from '../output.ts';
import { withTarget } from '../target-options.ts';
import type { TopOptions } from '../top/run.ts';

const INTERVAL_MS = 2_000;
const SORTS = ['name', 'connections', 'in', 'out', 'refused', 'cpu', 'memory', 'lag'];

/** `top`: what processes and tenants do, as it changes. */
export function top(): Command {
  return withTarget(new Command('top'))
    .summary('watch what processes and tenants do')
    .description(
      'show connections, messages per second in and out, refusals, records that wait in the log, CPU and memory, by process or by tenant, as they change; with an API and a secret alone those of the tenant by gateway. Keys: q ends, tab switches between processes and tenants, and c, i, o, r, u, m, l and n sort',
    )
    .addOption(
      new Option('--ops <url>', 'ops port of a process, such as http://10.0.0.1:10300; may be repeated')
        .argParser(repeated((text: string) => text))
        .default([], 'none'),
    )
    .addOption(
      new Option('--by <what>', 'what is listed').choices(['processes', 'tenants']).default('processes'),
    )
    .addOption(new Option('--sort <column>', 'what it is sorted by').choices(SORTS).default('connections'))
    .addOption(
      new Option(
        '--interval <time>',
        'time between readings, over which rates are averages; of an API five seconds, as often as its gateways report',
      )
        .argParser(duration('--interval'))
        .default(INTERVAL_MS, '2s'),
    )
    .option('--once', 'print one screen and end', false)
    .addOption(outputOption())
    .action(async (options: TopOptions) => {
      const { runTop } = await import('../top/run.ts');
      await runTop(options);
    });
}
