import type { Connection } from '@im/admin-api';
import { Command } from 'commander';
import { withAdmin } from '../../admin/call.ts';
import { type ListOptions, printList, timeText, withList } from '../../admin/list.ts';
import { parsePlatform } from '../../platform.ts';
import { type TargetOptions, withTarget } from '../../target-options.ts';

interface Options extends TargetOptions, ListOptions {
  user?: string;
  platform?: string;
  gateway?: string;
  address?: string;
}

/** `connection list`: live connections, by gateway. */
export function connectionList(): Command {
  return withList(withTarget(new Command('list')))
    .description('list live connections by gateway, on each the oldest first')
    .option('--user <userID>', 'those of this user')
    .option('--platform <platform>', 'those of this platform, by name or number')
    .option('--gateway <gatewayID>', 'those of this gateway, as `connection count` shows it')
    .option('--address <address>', 'from this address, or from a network such as 10.0.0.0/8')
    .action(async (options: Options) => {
      const { listConnections } = await import('@im/admin-api');
      const { user: userID, platform, gateway: gatewayID, address } = options;
      const platformID = platform === undefined ? undefined : (await parsePlatform(platform)).id;
      await withAdmin(options, (admin) =>
        printList<Connection>(
          admin,
          listConnections,
          { query: { userID, platformID, gatewayID, address } },
          options,
          {
            field: 'connections',
            columns: ['id', 'user', 'platform', 'gateway', 'address', 'opened', 'seen'],
            warning: silentWarning,
            row: (one) => ({
              ...{ id: one.connectionID, user: one.userID, platform: one.platformID },
              ...{ gateway: one.gatewayID, address: one.address },
              ...{ opened: timeText(one.openTime), seen: timeText(one.lastSeenTime) },
            }),
          },
        ),
      );
    });
}

function silentWarning(page: Readonly<Record<string, unknown>>): string | undefined {
  const { silentGatewayIDs } = page as { readonly silentGatewayIDs: readonly string[] };
  if (silentGatewayIDs.length === 0) return undefined;
  return `these gateways did not answer, and what they hold is missing: ${silentGatewayIDs.join(', ')}`;
}
