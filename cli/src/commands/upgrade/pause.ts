import type { Command } from 'commander';
import { withDryRun } from '../../dry-run.ts';
import type { UpgradeOptions } from '../../upgrade/run.ts';
import { upgradeCommand } from './options.ts';

/** `upgrade pause [name]`: holds upgrades. */
export function upgradePause(): Command {
  return withDryRun(
    upgradeCommand(
      'pause',
      'let no upgrade start, and one in progress begin no further step (spec.upgrade.paused)',
    ),
  ).action(async (name: string | undefined, options: UpgradeOptions) => {
    const { pauseUpgrade } = await import('../../upgrade/run.ts');
    await pauseUpgrade(name, options);
  });
}
