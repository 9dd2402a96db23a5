import type { Command } from 'commander';
import type { UpgradeOptions } from '../../upgrade/run.ts';
import { upgradeCommand } from './options.ts';

/** `upgrade history [name]`: the upgrades before. */
export function upgradeHistory(): Command {
  return upgradeCommand('history', 'list the last ten upgrades with their proof').action(
    async (name: string | undefined, options: UpgradeOptions) => {
      const { listUpgrades } = await import('../../upgrade/run.ts');
      await listUpgrades(name, options);
    },
  );
}
