import type { Usage } from '@im/admin-api';
import { Command } from 'commander';
import { withAdmin } from '../../admin/call.ts';
import { type ListFormat, listOutputOption, printRows, type Row } from '../../output.ts';
import { type TargetOptions, withTarget } from '../../target-options.ts';
import { notCounted } from '../stats/not-counted.ts';
import { dateOption } from '../stats/options.ts';

interface Options extends TargetOptions {
  from?: string;
  to?: string;
  output: ListFormat;
}

const COLUMNS = [
  ...['tenant', 'from', 'to', 'users', 'userQuota', 'connections', 'connectionQuota', 'messages'],
  ...['messagesToday', 'throttled', 'throttledToday', 'peakUsers', 'peakConnections'],
  ...['storageBytes', 'storageQuota', 'storageByteDays', 'exceeded', 'countedTo'],
] as const;

/** Before the first count what is not known is empty, not 0: the numbers may be charged for. */
function rowOf(tenant: string, { quotas, registrations: _, ...figures }: Usage): Row {
  const { users: userQuota, connections: connectionQuota, storageBytes: storageQuota } = quotas;
  const limits = { userQuota, connectionQuota, storageQuota };
  const { from, to, connections, throttled, throttledToday, exceeded, countedTo } = figures;
  const known = { tenant, from, to, connections, throttled, throttledToday };
  if (countedTo === 0) return { ...known, ...limits, exceeded, countedTo: null };
  return { tenant, ...figures, ...limits, countedTo: new Date(countedTo).toISOString() };
}

/** `tenant usage [id...]`: what tenants use against their quotas, in a period. */
export function tenantUsage(): Command {
  return withTarget(new Command('usage'))
    .description(
      'show what tenants use against their quotas, and what they did in a period; for charging as CSV',
    )
    .argument('[id...]', 'ids of tenants; that of --tenant when absent')
    .addOption(dateOption('--from', 'first day; the first of the month of --to when absent'))
    .addOption(dateOption('--to', 'last day; today when absent'))
    .addOption(listOutputOption())
    .action(async (ids: string[], options: Options) => {
      const { getUsage } = await import('@im/admin-api');
      const { from, to, output } = options;
      const rows: Row[] = [];
      for (const tenant of ids.length === 0 ? [options.tenant] : ids) {
        const { usage } = await withAdmin({ ...options, tenant }, (admin) =>
          admin.call(getUsage, { query: { from, to } }),
        );
        const warning = notCounted(usage);
        if (warning !== undefined) console.error(`warning: tenant ${tenant}: ${warning}`);
        rows.push(rowOf(tenant, usage));
      }
      if (output === 'csv') {
        const { formatCsv } = await import('../../csv.ts');
        process.stdout.write(formatCsv(rows, COLUMNS));
      } else await printRows(rows, COLUMNS, output);
    });
}
