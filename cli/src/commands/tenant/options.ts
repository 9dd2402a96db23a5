import { Command, Option } from 'commander';
import { duration, repeated } from '../../arguments.ts';
import { withKube } from '../../cluster/options.ts';
import { withDryRun } from '../../dry-run.ts';
import { outputOption } from '../../output.ts';

const asText = (value: string) => value;

/** A command on tenants as resources of Kubernetes. */
export function tenantCommand(name: string, description: string): Command {
  return withKube(new Command(name)).description(description).addOption(outputOption());
}

/** Adds whether, and how long, a command waits for its end. */
export function withWait(command: Command, standard: string, end: string): Command {
  return command
    .option('--no-wait', `do not wait until ${end}`)
    .option(
      '--timeout <time>',
      `longest wait, after which the exit code is 3; ${standard} when absent`,
      duration('--timeout'),
    );
}

/** Adds what commands that write have in common. */
export function withWriting(command: Command): Command {
  return withWait(withDryRun(command), '2m', 'all running processes have the settings');
}

/** Adds options that set fields of the spec. */
export function withSettings(command: Command): Command {
  const many = (flags: string, description: string) =>
    new Option(flags, `${description}; may be repeated`).argParser(repeated(asText)).default([], 'none');
  return command
    .addOption(
      many(
        '--set <path=value>',
        'a field of the spec (docs/reference/crds.md) with a YAML value, such as tokenPolicy.expireDays=7',
      ),
    )
    .addOption(many('--quota <name=number>', 'a field of spec.quotas, such as users=1000; 0 is no limit'))
    .addOption(many('--host <name>', 'host name for clients, replacing those before'))
    .addOption(many('--admin-user <userID>', 'user with admin rights, replacing those before'));
}
