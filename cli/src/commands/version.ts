import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { type OutputFormat, outputOption, printObject } from '../output.ts';

/** Set when the code is bundled; see tools/bundle.ts. */
declare const OPENIM_VERSION: string;

/** The version of this program. */
export function packageVersion(): string {
  if (typeof OPENIM_VERSION === 'string') return OPENIM_VERSION;
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
