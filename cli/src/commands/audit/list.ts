import type { AuditRecord } from '@im/admin-api';
import { Command, Option } from 'commander';
import { withAdmin } from '../../admin/call.ts';
import { type ListOptions, printList, timeText, withList } from '../../admin/list.ts';
import { duration } from '../../arguments.ts';
import { usageError } from '../../exit-codes.ts';
import { type TargetOptions, withTarget } from '../../target-options.ts';
import { sinceTime } from '../../webhook/since.ts';

interface Options extends TargetOptions, ListOptions {
  admin?: string;
  act?: string;
  target?: string;
  outcome?: string;
  since?: number;
}

/** `audit list`: acts of administrators, newest first. */
export function auditList(): Command {
  return withList(withTarget(new Command('list')))
    .description('list what administrators did, newest first')
    .option('--admin <userID>', 'acts of this administrator')
    .option('--act <act>', 'acts of this kind, such as user.ban')
    .option('--target <kind/id>', 'acts on this, such as user/u1')
    .addOption(
      new Option('--outcome <outcome>', 'acts that ended so').choices([
        'started',
        'done',
        'refused',
        'failed',
      ]),
    )
    .option('--since <time>', 'within this time, such as 6h', duration('--since'))
    .action(async (options: Options) => {
      const { listAudit } = await import('@im/admin-api');
      const { admin: adminID, act, target, outcome, since } = options;
      const [, targetKind, targetID] = /^([^/]+)\/(.+)$/s.exec(target ?? '') ?? [];
      if (target !== undefined && targetID === undefined)
        throw usageError(`--target: ${target} is not <kind>/<id>, such as user/u1`);
      const query = { adminID, act, targetKind, targetID, outcome, from: sinceTime(since) || undefined };
      await withAdmin(options, (admin) =>
        printList<AuditRecord>(admin, listAudit, { query }, options, {
          field: 'records',
          columns: ['time', 'admin', 'act', 'target', 'outcome', 'reason'],
          row: (record) => ({
            ...{ time: timeText(record.time), admin: record.adminID, act: record.act },
            target: record.targetID === '' ? '' : `${record.targetKind}/${record.targetID}`,
            outcome: record.errCode === 0 ? record.outcome : `${record.outcome} ${record.errCode}`,
            reason: record.reason,
          }),
        }),
      );
    });
}
