import type { Command } from 'commander';
import { yesOption } from '../../confirm.ts';
import { withDryRun } from '../../dry-run.ts';
import type { UpgradeOptions } from '../../upgrade/run.ts';
import { upgradeCommand } from './options.ts';

/** `upgrade rollback [name]`: rolls the cluster back to the revision before. */
export function upgradeRollback(): Command {
  return withDryRun(
    upgradeCommand(
      'rollback',
      'roll a cluster back to the revision before the upgrade in progress or the last one; the spec stays, and is not applied until it changes',
    ),
  )
    .addOption(yesOption())
    .action(async (name: string | undefined, options: UpgradeOptions & { readonly yes?: boolean }) => {
      const { rollBackUpgrade } = await import('../../upgrade/run.ts');
      await rollBackUpgrade(name, options);
    });
}
