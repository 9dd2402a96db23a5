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
    'Results go to stdout, in the form of `-o`; progress, notes and errors go to stderr. What destroys something asks for its',
    'name in a terminal, and takes `--yes`; what changes something takes `--dry-run`.',
    'A time is written as `500ms`, `30s`, `5m` or `1h`; a bare number is seconds.',
    '`openimctl completion bash|zsh|fish` prints the completion of a shell, `openimctl man` this page for `man`.',
    '',
    '## Forms of results',
    '',
    '| `-o` | |',
    '|---|---|',
    '| `table` | aligned columns, or `key: value` lines |',
    '| `wide` | a table with everything that is known of each entry |',
    '| `json`, `yaml` | for programs; names of fields stay the same from version to version |',
    '| `name` | identifiers alone, one per line |',
    '| `jsonpath=<template>` | as with kubectl: `jsonpath={.users[*].userID}`, `jsonpath={range .users[*]}{.userID}{"\\n"}{end}` |',
    '',
    'Commands that go on, such as `recv` and `status --watch`, print one line of JSON, one YAML document or one text of the',
    'template for each thing that happens.',
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
    '1. `--context`, a server that `openimctl context add` keeps; together with 2 to 4 it is an error',
    '2. `--api` and `--ws`',
    '3. `--data-dir`, a running `openimctl dev`',
    '4. `--cluster`, `--namespace`, `--kube-context` or `--kubeconfig`: an OpenIMCluster on Kubernetes',
    '5. `OPENIM_CONTEXT`, then `OPENIM_API` and `OPENIM_WS`, then `OPENIM_DATA_DIR`, then `OPENIM_CLUSTER`',
    '6. the current context (`openimctl context use`)',
    '7. an `openimctl dev` that runs on the usual directory',
    '8. the only OpenIMCluster of the kubeconfig; a line on stderr says which',
    '',
    'Contexts are kept in `~/.config/openimctl/config.json` (in `$XDG_CONFIG_HOME`, on Windows in `%APPDATA%`; `OPENIM_CTL_CONFIG`',
    'names another file), which only you can read. The admin secret of a context is read at every use from a file or an',
    'environment variable that it names, or is kept in the config file when `context add --admin-secret-file -` reads it from',
    'standard input. `OPENIM_ADMIN_SECRET` is never sent to the server of a context.',
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
