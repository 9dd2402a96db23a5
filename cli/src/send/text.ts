import { readFileSync } from 'node:fs';
import { usageError } from '../exit-codes.ts';

const STANDARD_INPUT = 0;

/**
 * The text to send: the argument, a file, or standard input for `-` as either; one line end at its
 * end is left out.
 * @throws CommandError `usage` when there is none or more than one.
 */
export function textToSend(argument: string | undefined, file: string | undefined): string {
  if ((argument === undefined) === (file === undefined)) {
    throw usageError('give the text once: as an argument, or by --file <file>; - reads standard input');
  }
  if (argument !== undefined && argument !== '-') return notEmpty(argument, 'the text');
  const source = argument === '-' || file === '-' ? STANDARD_INPUT : (file ?? '');
  let text: string;
  try {
    text = readFileSync(source, 'utf8');
  } catch (error) {
    throw usageError(`--file: ${error instanceof Error ? error.message : error}`);
  }
  return notEmpty(text.replace(/\r?\n$/, ''), source === STANDARD_INPUT ? 'standard input' : `${file}`);
}

function notEmpty(text: string, source: string): string {
  if (text === '') throw usageError(`${source} is empty: there is nothing to send`);
  return text;
}
