import { Command, type Option } from 'commander';
import { EXIT, EXIT_MEANINGS } from './exit-codes.ts';
import { createProgram } from './program.ts';
import { withTarget } from './target-options.ts';

/** The reference page of the command line as Markdown: every command with its options, and the exit codes. */
export function cliReference(): string {
  const program = createProgram();
  const shared = withTarget(new Command()).options;
  const lines = [
    '# openimctl',
    '',
    'Results go to stdout, in the form of `-o table|json|yaml`; progress, notes and errors go to stderr. No command asks',
    'questions. A time is written as `500ms`, `30s`, `5m` or `1h`; a bare number is seconds.',
    '',
    '## Exit codes',
    '',
    '| code | name | meaning |',
    '|---|---|---|',
    ...Object.entries(EXIT_MEANINGS).map(
      ([name, meaning]) => `| ${EXIT[name as keyof typeof EXIT]} | ${name} | ${meaning} |`,
    ),
    '',
    '## Finding the server',
    '',
    'Commands that talk to a server share these options. The first of these that is given decides:',
    '',
    '1. `--api` and `--ws`',
    '2. `--data-dir`, a running `openimctl dev`',
    '3. `--cluster`, `--namespace`, `--context` or `--kubeconfig`: an OpenIMCluster on Kubernetes',
    '4. `OPENIM_API` and `OPENIM_WS`, then `OPENIM_DATA_DIR`, then `OPENIM_CLUSTER`',
    '5. an `openimctl dev` that runs on the usual directory',
    '6. the only OpenIMCluster of the kubeconfig; a line on stderr says which',
    '',
    'A secret goes to its own server alone. What a `dev` or a cluster knows is used only when it is the server; flags of a',
    'cluster together with flags of another server are an error; a secret in the environment goes to a cluster only if',
    '`OPENIM_CLUSTER` names it. The admin secret of a cluster is that of its default tenant, from the Secret that its status',
    'names. Addresses that only pods can reach are reached through the API server of Kubernetes.',
    '',
    'A secret can be given as a flag, as a file or in the environment; prefer the latter two, as flags are visible in the',
    'list of processes.',
    '',
    ...optionTable(shared),
  ];
  const sharedFlags = new Set(shared.map((option) => option.flags));
  const visit = (command: Command, path: string) => {
    if (command.commands.length > 0) {
      for (const child of command.commands) visit(child, `${path} ${child.name()}`);
      return;
    }
    const flags = new Set(command.options.map((option) => option.flags));
    const findsServer = shared.every((option) => flags.has(option.flags));
    const own = command.options.filter((option) => !findsServer || !sharedFlags.has(option.flags));
    lines.push(
      '',
      `## ${path}`,
      '',
      `\`${path} ${command.usage()}\``,
      '',
      sentence(command.description()),
      '',
    );
    if (findsServer) lines.push('Takes the options of [Finding the server](#finding-the-server).', '');
    for (const argument of command.registeredArguments) {
      lines.push(`- \`${argument.name()}\`: ${argument.description}`);
    }
    if (command.registeredArguments.length > 0) lines.push('');
    if (own.length > 0) lines.push(...optionTable(own));
    else lines.pop();
  };
  for (const command of program.commands) visit(command, `openimctl ${command.name()}`);
  return `${lines.join('\n')}\n`;
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

function optionTable(options: readonly Option[]): string[] {
  return [
    '| option | default | |',
    '|---|---|---|',
    ...options.map((option) => {
      const choices = option.argChoices ? ` One of ${option.argChoices.join(', ')}.` : '';
      const env = option.envVar ? ` (env: ${option.envVar})` : '';
      const text = cell(`${option.description}${env}.${choices}`);
      return `| \`${cell(option.flags)}\` | ${cell(defaultOf(option))} | ${text} |`;
    }),
  ];
}

function defaultOf(option: Option): string {
  const value: unknown = option.defaultValueDescription ?? option.defaultValue;
  if (option.mandatory) return '**required**';
  // A flag's default is that it is not given.
  if (
    value === undefined ||
    value === '' ||
    typeof value === 'boolean' ||
    (Array.isArray(value) && value.length === 0)
  )
    return '';
  return `\`${value}\``;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
