import { Command } from 'commander';
import { withAdmin } from '../../admin/call.ts';
import { isForPeople, type OutputFormat, outputOption, printRows, printValue } from '../../output.ts';
import { type TargetOptions, withTarget } from '../../target-options.ts';

interface Options extends TargetOptions {
  output: OutputFormat;
}

/** `connection count`: numbers of live connections. */
export function connectionCount(): Command {
  return withTarget(new Command('count'))
    .description('count live connections by gateway and platform, as of the last heartbeats')
    .addOption(outputOption())
    .action(async (options: Options) => {
      const { output } = options;
      const { countConnections } = await import('@im/admin-api');
      const { PLATFORM_NAMES } = await import('@im/protocol');
      const counts = await withAdmin(options, (admin) => admin.call(countConnections, {}));
      if (!isForPeople(output)) {
        await printValue(counts, output);
        return;
      }
      const rows = [...counts.gateways, { gatewayID: 'all', ...counts }].map((one) => ({
        ...{ gateway: one.gatewayID, users: one.users, connections: one.connections },
        platforms: one.platforms
          .map(({ platformID, connections }) => `${PLATFORM_NAMES[platformID] ?? platformID} ${connections}`)
          .join(', '),
      }));
      await printRows(rows, ['gateway', 'users', 'connections', 'platforms'], output);
    });
}
