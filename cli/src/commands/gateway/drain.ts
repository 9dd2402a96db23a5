import { Command } from 'commander';
import { withKube } from '../../cluster/options.ts';
import { withDryRun } from '../../dry-run.ts';
import type { GatewayOptions } from '../../gateway/run.ts';
import { outputOption } from '../../output.ts';

/** `gateway drain <pod...>`: has gateways replaced by others, without cutting connections at once. */
export function gatewayDrain(): Command {
  return withDryRun(withKube(new Command('drain')))
    .description(
      'have gateways replaced: the operator starts another one first, then moves the connections of the pod at a pace, and deletes it',
    )
    .argument('<pod...>', 'names of gateway pods')
    .option('--reason <text>', 'why, for others who look at the pod', 'openimctl')
    .addOption(outputOption())
    .action(async (pods: string[], options: GatewayOptions & { readonly reason: string }) => {
      const { drainGateways } = await import('../../gateway/run.ts');
      await drainGateways(pods, options);
    });
}
