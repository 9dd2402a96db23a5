import { Command } from 'commander';
import { withAdmin } from '../../admin/call.ts';
import { withDryRun } from '../../dry-run.ts';
import { usageError } from '../../exit-codes.ts';
import { type OutputFormat, outputOption, printObject } from '../../output.ts';
import { type TargetOptions, withTarget } from '../../target-options.ts';

interface Options extends TargetOptions {
  user?: string;
  reason: string;
  output: OutputFormat;
}

/** `token revoke`: ends a token of a backend, or all of a user. */
export function tokenRevoke(): Command {
  return withDryRun(withTarget(new Command('revoke')))
    .description(
      'end a token of a backend, or all tokens of a user; those of a whole tenant end by tokenPolicy.notBefore (openimctl tenant update)',
    )
    .argument('[id]', 'ID of a token of a backend, as openimctl token list shows')
    .option('--user <userID>', 'all tokens of this user, who may log in again')
    .option('--reason <text>', 'kept in the audit log', '')
    .addOption(outputOption())
    .action(async (id: string | undefined, options: Options) => {
      const { user, reason, output } = options;
      if ((id === undefined) === (user === undefined))
        throw usageError('give the ID of a token of a backend, or --user, and not both');
      const { logoutUser, revokeBackendToken } = await import('@im/admin-api');
      if (user !== undefined) {
        await withAdmin(options, (admin) =>
          admin.call(logoutUser, { params: { userID: user }, body: { reason } }),
        );
        await printObject({ userID: user, revoked: 'all tokens' }, output);
        return;
      }
      const { ended } = await withAdmin(options, (admin) =>
        admin.call(revokeBackendToken, { params: { tokenID: id ?? '' }, query: { reason } }),
      );
      const { tokenID, role, description } = ended;
      await printObject({ id: tokenID, role, description, revoked: true }, output);
    });
}
