import type { Argument, Command, Option } from 'commander';
import { LIST_FORMATS, OUTPUT_FORMATS } from '../output.ts';

/** What can stand where a value is expected: a list, files, directories, names of contexts, or anything else. */
export type Values = readonly string[] | 'file' | 'dir' | 'context' | 'any';

/** An option as shells complete it. */
export interface CompletedOption {
  /** `--long` and `-s`, where they exist. */
  readonly flags: readonly string[];
  readonly description: string;
  /** Undefined for a flag without a value. */
  readonly values: Values | undefined;
}

/** A command as shells complete it; `path` is without the name of the program, and empty for it. */
export interface CompletedCommand {
  readonly path: readonly string[];
  readonly description: string;
  readonly commands: readonly { readonly name: string; readonly description: string }[];
  readonly options: readonly CompletedOption[];
  /** Values of its first argument. */
  readonly values: Values | undefined;
}

/** One line of a description, without what a shell would take for its own. */
function lineOf(text: string): string {
  return (
    text
      .replaceAll(/[`'"\\$]/g, '')
      .split('; ')[0]
      ?.slice(0, 100) ?? ''
  );
}

function valuesOf(option: Option): Values | undefined {
  if (!option.required && !option.optional) return undefined;
  if (option.argChoices) return option.argChoices;
  const name = option.attributeName();
  if (name === 'output') return /\bcsv\b/.test(option.description) ? LIST_FORMATS : OUTPUT_FORMATS;
  if (name === 'context') return 'context';
  if (/<file>/.test(option.flags)) return 'file';
  return /<dir>/.test(option.flags) ? 'dir' : 'any';
}

function argumentValues(command: Command, argument: Argument | undefined): Values | undefined {
  if (argument === undefined) return undefined;
  if (argument.argChoices) return argument.argChoices;
  if (command.parent?.name() === 'context' && command.name() !== 'add') return 'context';
  return /^(file|dir)$/.test(argument.name()) ? (argument.name() as 'file' | 'dir') : 'any';
}

/** The commands of a program, the program itself first. */
export function completionTree(program: Command): readonly CompletedCommand[] {
  const found: CompletedCommand[] = [];
  const visit = (command: Command, path: readonly string[]) => {
    const options = command.options.filter(({ hidden }) => !hidden);
    found.push({
      path,
      description: lineOf(command.summary() || command.description()),
      commands: command.commands.map((child) => ({
        name: child.name(),
        description: lineOf(child.summary() || child.description()),
      })),
      options: [
        ...options.map((option) => ({
          flags: [option.long, option.short].filter((flag) => flag !== undefined && flag !== null),
          description: lineOf(option.description),
          values: valuesOf(option),
        })),
        { flags: ['--help', '-h'], description: 'show help', values: undefined },
      ],
      values: argumentValues(command, command.registeredArguments[0]),
    });
    for (const child of command.commands) visit(child, [...path, child.name()]);
  };
  visit(program, []);
  return found;
}
