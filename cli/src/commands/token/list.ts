import type { BackendToken } from '@im/admin-api';
import { Command } from 'commander';
import { withAdmin } from '../../admin/call.ts';
import { type ListOptions, printList, timeText, withList } from '../../admin/list.ts';
import { type TargetOptions, withTarget } from '../../target-options.ts';

interface Options extends TargetOptions, ListOptions {}

/** `token list`: tokens of backends, newest first. */
export function tokenList(): Command {
  return withList(withTarget(new Command('list')))
    .description('list the tokens of backends, newest first, those that expired within 7 days included')
    .action(async (options: Options) => {
      const { listBackendTokens } = await import('@im/admin-api');
      await withAdmin(options, (admin) =>
        printList<BackendToken>(admin, listBackendTokens, {}, options, {
          field: 'tokens',
          columns: ['id', 'role', 'description', 'created', 'expires', 'revoked', 'admin'],
          row: ({ tokenID, role, description, createTime, expireTime, revokeTime, adminID }) => ({
            ...{ id: tokenID, role, description, admin: adminID },
            ...{
              created: timeText(createTime),
              expires: timeText(expireTime),
              revoked: timeText(revokeTime),
            },
          }),
        }),
      );
    });
}
