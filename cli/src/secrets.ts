import { readFileSync } from 'node:fs';
import { usageError } from './exit-codes.ts';

/** A secret as it may be given: itself, or a file that holds it. */
export interface SecretSource {
  readonly value: string | undefined;
  readonly file: string | undefined;
  /** Names the option of the file in an error. */
  readonly fileOption: string;
  /** Environment variable with the secret; `<env>_FILE` names a file. Flags win. */
  readonly env: string;
}

/**
 * The secret, without a trailing line end; undefined where none is given.
 * @throws CommandError `usage` when a named file cannot be read or is empty.
 */
export function readSecret(
  source: SecretSource,
  env: Readonly<Record<string, string | undefined>> = process.env,
): string | undefined {
  if (source.value !== undefined) return source.value;
  if (source.file !== undefined) return readFile(source.file, source.fileOption);
  const value = env[source.env];
  if (value !== undefined && value !== '') return value;
  const fileEnv = `${source.env}_FILE`;
  const file = env[fileEnv];
  return file === undefined || file === '' ? undefined : readFile(file, fileEnv);
}

function readFile(file: string, named: string): string {
  let text: string;
  try {
    text = readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw usageError(`${named}: ${error instanceof Error ? error.message : error}`);
  }
  if (text === '') throw usageError(`${named}: ${file} is empty; a file with the secret alone is expected`);
  return text;
}
