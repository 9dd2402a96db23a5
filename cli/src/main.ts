import { Command, CommanderError } from 'commander';
import { dev } from './commands/dev.ts';
import { tokenCreate } from './commands/token/create.ts';
import { tokenInspect } from './commands/token/inspect.ts';
import { userCreate } from './commands/user/create.ts';
import { userList } from './commands/user/list.ts';
import { packageVersion, version } from './commands/version.ts';
import { CommandError, EXIT } from './exit-codes.ts';

function noun(name: string, description: string, ...verbs: Command[]): Command {
  const command = new Command(name).description(description);
  for (const verb of verbs) command.addCommand(verb);
  return command;
}

const program = new Command('openimctl')
  .description('Runs and operates an OpenIM-compatible instant messaging cluster.')
  .version(packageVersion())
  .showHelpAfterError('(see --help)')
  .exitOverride()
  .addCommand(dev())
  .addCommand(noun('user', 'users of a tenant', userCreate(), userList()))
  .addCommand(noun('token', 'login tokens', tokenCreate(), tokenInspect()))
  .addCommand(version());

function inheritExitOverride(command: Command): void {
  for (const child of command.commands) {
    child.exitOverride();
    inheritExitOverride(child);
  }
}
inheritExitOverride(program);

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  } else if (error instanceof CommandError) {
    console.error(`openimctl: ${error.message}`);
    process.exitCode = error.exitCode;
  } else {
    console.error(error);
    process.exitCode = EXIT.refused;
  }
}
