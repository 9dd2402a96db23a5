import type { Command } from 'commander';
import { EXIT, EXIT_MEANINGS } from './exit-codes.ts';

/** Text as roff takes it. */
function roff(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('`', '')
    .replace(/^([.'])/, '\\&$1');
}

function sentence(text: string): string {
  return roff(`${text.charAt(0).toUpperCase()}${text.slice(1)}.`);
}

function pathOf(command: Command): string {
  return command.parent ? `${pathOf(command.parent)} ${command.name()}` : command.name();
}

function options(command: Command): string[] {
  return command.options.flatMap((option) => {
    const choices = option.argChoices ? ` One of ${option.argChoices.join(', ')}.` : '';
    const env = option.envVar ? ` (env: ${option.envVar})` : '';
    return ['.TP', `\\fB${roff(option.flags)}\\fR`, roff(`${option.description}${env}.${choices}`)];
  });
}

function leaves(command: Command): Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leaves);
}

/**
 * The page of a command for `man`, with everything below it.
 * @param version of the program, for the foot of the page
 */
export function manPage(command: Command, version: string): string {
  const name = pathOf(command);
  const below = command.commands.length === 0 ? [] : leaves(command);
  return [
    `.TH "${roff(name.replaceAll(' ', '-').toUpperCase())}" 1 "" "openimctl ${roff(version)}" "OpenIM operator"`,
    '.SH NAME',
    `${roff(name.replaceAll(' ', '-'))} \\- ${roff(command.summary() || command.description())}`,
    '.SH SYNOPSIS',
    `\\fB${roff(name)}\\fR ${roff(command.usage())}`,
    '.SH DESCRIPTION',
    sentence(command.description()),
    ...(command.options.length === 0 ? [] : ['.SH OPTIONS', ...options(command)]),
    ...(below.length === 0 ? [] : ['.SH COMMANDS']),
    ...below.flatMap((each) => [
      `.SS ${roff(pathOf(each))} ${roff(each.usage())}`,
      sentence(each.description()),
      ...options(each),
    ]),
    '.SH EXIT STATUS',
    ...Object.entries(EXIT_MEANINGS).flatMap(([key, meaning]) => [
      '.TP',
      `\\fB${EXIT[key as keyof typeof EXIT]}\\fR`,
      roff(meaning),
    ]),
    '',
  ].join('\n');
}
