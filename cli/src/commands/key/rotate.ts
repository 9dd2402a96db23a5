import { Command } from 'commander';
import { duration } from '../../arguments.ts';
import { withDryRun } from '../../dry-run.ts';
import { outputOption } from '../../output.ts';
import { withWait } from '../tenant/options.ts';
import { withKeyPlace } from './options.ts';

/** `key rotate <tenant>`: a new key, and an end for the former one. */
export function keyRotate(): Command {
  return withWait(
    withDryRun(withKeyPlace(new Command('rotate'))),
    '2m',
    'all running processes have the new key and use it',
  )
    .description(
      'make a new key, use it as soon as all processes have it, and accept the former one for a time; with --config in two calls',
    )
    .option('--admin', 'the secret of administrators instead of the key that signs tokens', false)
    .option(
      '--overlap <time>',
      'time that the former key is accepted; 7d when absent, 0 ends it at once',
      overlap,
    )
    .addOption(outputOption())
    .action(async (tenant: string, options) => {
      const { rotateKey } = await import('../../key/run.ts');
      await rotateKey(tenant, options);
    });
}

function overlap(text: string): number {
  return /^0[smhd]?$/.test(text) ? 0 : duration('--overlap')(text);
}
