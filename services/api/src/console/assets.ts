import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Folder of the console's files, next to the bundle that this code is in; defined where it is bundled. */
declare const OPENIM_CONSOLE_DIR: string;

/** Where the console's files are built to. */
export const CONSOLE_DIR = fileURLToPath(
  new URL(
    typeof OPENIM_CONSOLE_DIR === 'undefined' ? '../../../console/dist/' : OPENIM_CONSOLE_DIR,
    import.meta.url,
  ),
);

/** A file with its compressed forms. */
export interface Asset {
  readonly contentType: string;
  readonly plain: Buffer;
  readonly br: Buffer | undefined;
  readonly gzip: Buffer | undefined;
}

/** The files of the console. */
export interface ConsoleAssets {
  /** The page, with a placeholder for the nonce. */
  readonly index: string;
  /** By name in `assets/`, which changes with the content. */
  readonly files: ReadonlyMap<string, Asset>;
}

const TYPES: Readonly<Record<string, string>> = {
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
  png: 'image/png',
};

function typeOf(name: string): string {
  return TYPES[name.split('.').at(-1) ?? ''] ?? 'application/octet-stream';
}

/** Reads the built console. @returns undefined when it was not built. */
export function readConsole(dir: string): ConsoleAssets | undefined {
  const page = join(dir, 'index.html');
  if (!statSync(page, { throwIfNoEntry: false })) return undefined;
  const folder = join(dir, 'assets');
  const names = new Set(readdirSync(folder));
  const read = (name: string) => (names.has(name) ? readFileSync(join(folder, name)) : undefined);
  const files = [...names]
    .filter((name) => !/\.(?:br|gz)$/.test(name))
    .map((name): [string, Asset] => [
      name,
      {
        contentType: typeOf(name),
        plain: readFileSync(join(folder, name)),
        br: read(`${name}.br`),
        gzip: read(`${name}.gz`),
      },
    ]);
  return { index: readFileSync(page, 'utf8'), files: new Map(files) };
}
