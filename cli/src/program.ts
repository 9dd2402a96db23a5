import { Command } from 'commander';
import { bench } from './commands/bench.ts';
import { configCheck } from './commands/config/check.ts';
import { configDoc } from './commands/config/doc.ts';
import { configPrint } from './commands/config/print.ts';
import { dev } from './commands/dev.ts';
import { recv } from './commands/recv.ts';
import { send } from './commands/send.ts';
import { status } from './commands/status.ts';
import { tokenCreate } from './commands/token/create.ts';
import { tokenInspect } from './commands/token/inspect.ts';
import { userCreate } from './commands/user/create.ts';
import { userList } from './commands/user/list.ts';
import { verify } from './commands/verify.ts';
import { packageVersion, version } from './commands/version.ts';

function noun(name: string, description: string, ...verbs: Command[]): Command {
  const command = new Command(name).description(description);
  for (const verb of verbs) command.addCommand(verb);
  return command;
}

function throwInsteadOfExit(command: Command): Command {
  command.exitOverride();
  for (const child of command.commands) throwInsteadOfExit(child);
  return command;
}

/**
 * The command line of openimctl. Commands import their implementation only when they run, so that the
 * tool starts fast; parsing throws instead of ending the process.
 */
export function createProgram(): Command {
  const program = new Command('openimctl')
    .description('Runs and operates an OpenIM-compatible instant messaging service.')
    .version(packageVersion())
    .showHelpAfterError('(see --help)')
    .addCommand(dev())
    .addCommand(status())
    .addCommand(noun('user', 'users of a tenant', userCreate(), userList()))
    .addCommand(noun('token', 'login tokens', tokenCreate(), tokenInspect()))
    .addCommand(send())
    .addCommand(recv())
    .addCommand(verify())
    .addCommand(bench())
    .addCommand(noun('config', 'config files of the server', configCheck(), configPrint(), configDoc()))
    .addCommand(version());
  return throwInsteadOfExit(program);
}
