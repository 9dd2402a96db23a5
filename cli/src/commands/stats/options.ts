import { type Command, Option } from 'commander';
import { type ListOptions, withList } from '../../admin/list.ts';
import { usageError } from '../../exit-codes.ts';
import { type TargetOptions, withTarget } from '../../target-options.ts';

/** Options of all commands that print statistics. */
export interface StatsOptions extends TargetOptions, ListOptions {
  from?: string;
  to?: string;
}

function dateOf(option: string): (text: string) => string {
  return (text) => {
    if (!/^\d{4}-\d{2}-\d{2}$/.test(text) || Number.isNaN(Date.parse(text)))
      throw usageError(`${option}: ${text} is not a day, such as 2026-01-31`);
    return text;
  };
}

/** An option that takes a day. */
export function dateOption(name: '--from' | '--to', description: string): Option {
  return new Option(`${name} <day>`, `${description}, such as 2026-01-31`).argParser(dateOf(name));
}

/** Adds the options of {@link StatsOptions}. */
export function withDays(command: Command): Command {
  return withList(withTarget(command))
    .addOption(dateOption('--from', 'first day; by default 29 days before --to'))
    .addOption(dateOption('--to', 'last day; by default today in the time zone of the tenant'));
}
