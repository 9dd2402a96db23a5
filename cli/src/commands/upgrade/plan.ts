import type { Command } from 'commander';
import type { UpgradeOptions } from '../../upgrade/run.ts';
import { upgradeCommand } from './options.ts';

/** `upgrade plan [name]`: what an upgrade would restart and move. */
export function upgradePlan(): Command {
  return upgradeCommand(
    'plan',
    'show what a change of version would do, step by step: pods that restart, clients that reconnect, seconds; changes nothing',
  ).action(async (name: string | undefined, options: UpgradeOptions) => {
    const { planUpgrade } = await import('../../upgrade/run.ts');
    await planUpgrade(name, options);
  });
}
