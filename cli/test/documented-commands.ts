import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A command of a page. */
export interface DocumentedCommand {
  /** Path of the page and line, with a colon in between. */
  readonly place: string;
  /** What follows the name of the program. */
  readonly args: readonly string[];
}

const ROOT = join(import.meta.dirname, '../..');

/** Pages that people write, from the root of the repository. */
export function writtenPages(): string[] {
  const below = readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' });
  return ['README.md', ...below.filter((path) => path.endsWith('.md')).map((path) => join('docs', path))];
}

/** Words of a command as a shell splits them, up to a comment or an operator; `<name>` is a word. @throws for an open quote. */
export function shellWords(line: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote = '';
  for (let i = 0; i < line.length; i++) {
    const character = line[i] as string;
    // A placeholder, or what another command prints.
    const [placeholder] = /^(?:<[a-z][\w-]*>|\$\([^)]*\))/i.exec(line.slice(i)) ?? [];
    if (quote !== '') {
      if (character === quote) quote = '';
      else if (character === '\\' && quote === '"') word += line[++i] ?? '';
      else word += character;
    } else if (character === "'" || character === '"') {
      quote = character;
      word ??= '';
    } else if (/\s/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (character === '#' && word === undefined) break;
    else if (placeholder !== undefined) {
      word = (word ?? '') + placeholder;
      i += placeholder.length - 1;
    } else if (/[|;&<>)`]/.test(character)) break;
    else word = (word ?? '') + (character === '\\' ? (line[++i] ?? '') : character);
  }
  if (quote !== '') throw new Error(`a quote is open: ${line}`);
  if (word !== undefined) words.push(word);
  return words;
}

/** Every call of a program in the code blocks of a page. @param program a regular expression. @default openimctl */
export function commandsOf(page: string, program = 'openimctl'): DocumentedCommand[] {
  const lines = readFileSync(join(ROOT, page), 'utf8').split('\n');
  const found: DocumentedCommand[] = [];
  let inBlock = false;
  for (let i = 0; i < lines.length; i++) {
    if (/^\s*```/.test(lines[i] ?? '')) {
      inBlock = !inBlock;
      continue;
    }
    if (!inBlock) continue;
    const place = `${page}:${i + 1}`;
    let line = lines[i] ?? '';
    while (line.endsWith('\\') && i + 1 < lines.length) line = `${line.slice(0, -1)} ${lines[++i]}`;
    // At the beginning of a command: of the line, or behind an operator.
    const call = new RegExp(`(?<=^\\s*(?:\\$ )?|[|;&(]\\s*|\\w=\\S+ )(?:npx )?${program} (?! )`, 'g');
    for (const { index, 0: text } of line.matchAll(call))
      found.push({ place, args: shellWords(line.slice(index + text.length)) });
  }
  return found;
}

/** Every call of a program in the code of a line of text. */
export function inlineCommandsOf(page: string, program: string): DocumentedCommand[] {
  const lines = readFileSync(join(ROOT, page), 'utf8').split('\n');
  let inBlock = false;
  return lines.flatMap((line, i) => {
    if (/^\s*```/.test(line)) inBlock = !inBlock;
    if (inBlock) return [];
    const calls = line.matchAll(new RegExp(`\`${program} ([^\`]+)\``, 'g'));
    return [...calls].map(([, rest = '']) => ({ place: `${page}:${i + 1}`, args: shellWords(rest) }));
  });
}
