import { Command } from 'commander';
import { usageError } from '../exit-codes.ts';
import { programOf } from '../program-of.ts';

/** `man [command...]`: the page of a command for `man`. */
export function man(): Command {
  const command = new Command('man');
  return command
    .summary('print the manual page of openimctl or of a command')
    .description(
      'print the manual page of openimctl, or of one command, as roff: openimctl man | man -l -; openimctl man > /usr/local/share/man/man1/openimctl.1',
    )
    .argument('[command...]', 'command, such as user list; all when absent')
    .action(async (path: string[]) => {
      const program = programOf(command);
      let found = program;
      for (const name of path) {
        const next = found.commands.find((each) => each.name() === name);
        if (next === undefined)
          throw usageError(`there is no command ${path.join(' ')}; see openimctl --help`);
        found = next;
      }
      const { manPage } = await import('../man.ts');
      process.stdout.write(manPage(found, program.version() ?? ''));
    });
}
