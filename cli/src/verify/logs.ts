import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { usageError } from '../exit-codes.ts';

/** The logs of a run that was recorded. @throws CommandError `usage` when the directory has none. */
export function logFiles(dir: string): string[] {
  let names: string[];
  try {
    names = readdirSync(dir);
  } catch (error) {
    throw usageError(`--logs: ${error instanceof Error ? error.message : error}`);
  }
  const files = names.filter((name) => name.endsWith('.facts')).map((name) => join(dir, name));
  if (files.length === 0) {
    throw usageError(`--logs: ${dir} has no *.facts; --keep-logs of an earlier verify writes them`);
  }
  return files.sort();
}
