import type { Command } from 'commander';
import { withDryRun } from '../../dry-run.ts';
import type { UpgradeOptions } from '../../upgrade/run.ts';
import { upgradeCommand } from './options.ts';

/** `upgrade resume [name]`: goes on, or tries again. */
export function upgradeResume(): Command {
  return withDryRun(
    upgradeCommand('resume', 'go on with a paused upgrade, or try one again that was rolled back'),
  ).action(async (name: string | undefined, options: UpgradeOptions) => {
    const { resumeUpgrade } = await import('../../upgrade/run.ts');
    await resumeUpgrade(name, options);
  });
}
