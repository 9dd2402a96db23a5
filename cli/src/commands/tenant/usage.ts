import { Command } from 'commander';
import { withAdmin } from '../../admin/call.ts';
import { isForPeople, type ListFormat, listOutputOption, printRows, type Row } from '../../output.ts';
import { type TargetOptions, withTarget } from '../../target-options.ts';
import { notCounted } from '../stats/not-counted.ts';
import { dateOption } from '../stats/options.ts';

interface Options extends TargetOptions {
  from?: string;
  to?: string;
  output: ListFormat;
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
      const { USAGE_COLUMNS, USAGE_TABLE, usageRow, usageText } = await import('../../tenant/usage-rows.ts');
      const isTable = output !== 'csv' && isForPeople(output);
      const rows: Row[] = [];
      for (const tenant of ids.length === 0 ? [options.tenant] : ids) {
        const { usage } = await withAdmin({ ...options, tenant }, (admin) =>
          admin.call(getUsage, { query: { from, to } }),
        );
        const warning = notCounted(usage);
        if (warning !== undefined) console.error(`warning: tenant ${tenant}: ${warning}`);
        rows.push(isTable ? usageText(tenant, usage) : usageRow(tenant, usage));
      }
      if (output === 'csv') {
        const { formatCsv } = await import('../../csv.ts');
        process.stdout.write(formatCsv(rows, USAGE_COLUMNS));
      } else await printRows(rows, isTable ? USAGE_TABLE : USAGE_COLUMNS, output);
    });
}
