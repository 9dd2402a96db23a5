import type { Command } from 'commander';
import type { UpgradeOptions } from '../../upgrade/run.ts';
import { upgradeCommand } from './options.ts';

/** `upgrade status [name]`: the upgrade in progress or the last one. */
export function upgradeStatus(): Command {
  return upgradeCommand('status', 'show the upgrade in progress or the last one: steps, gates, proof').action(
    async (name: string | undefined, options: UpgradeOptions) => {
      const { showUpgrade } = await import('../../upgrade/run.ts');
      await showUpgrade(name, options);
    },
  );
}
