import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { type OutputFormat, outputOption, printObject } from '../output.ts';

/** The version of this program. */
export function packageVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

/** `version`: versions of openimctl, of the protocol and of the runtime. */
export function version(): Command {
  return new Command('version')
    .description('print versions')
    .addOption(outputOption())
    .action(async (options: { output: OutputFormat }) => {
      await printObject(
        { openimctl: packageVersion(), protocol: 'OpenIM v3.8', node: process.versions.node },
        options.output,
      );
    });
}
