import type { Command } from 'commander';
import { withDryRun } from '../../dry-run.ts';
import type { UpgradeOptions } from '../../upgrade/run.ts';
import { upgradeCommand } from './options.ts';

/** `upgrade approve [name]`: lets a supervised upgrade start. */
export function upgradeApprove(): Command {
  return withDryRun(
    upgradeCommand('approve', 'let a supervised upgrade start that waits for approval'),
  ).action(async (name: string | undefined, options: UpgradeOptions) => {
    const { approveUpgrade } = await import('../../upgrade/run.ts');
    await approveUpgrade(name, options);
  });
}
