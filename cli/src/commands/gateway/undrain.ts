import { Command } from 'commander';
import { withKube } from '../../cluster/options.ts';
import { withDryRun } from '../../dry-run.ts';
import type { GatewayOptions } from '../../gateway/run.ts';
import { outputOption } from '../../output.ts';

/** `gateway undrain <pod...>`: takes back `gateway drain`. */
export function gatewayUndrain(): Command {
  return withDryRun(withKube(new Command('undrain')))
    .description('take back gateway drain: the pods accept connections again, as long as they exist')
    .argument('<pod...>', 'names of gateway pods')
    .addOption(outputOption())
    .action(async (pods: string[], options: GatewayOptions) => {
      const { undrainGateways } = await import('../../gateway/run.ts');
      await undrainGateways(pods, options);
    });
}
