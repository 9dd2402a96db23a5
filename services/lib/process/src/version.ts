import { readFileSync } from 'node:fs';

/** Set when the code is bundled; see tools/bundle.ts. */
declare const OPENIM_VERSION: string;

let known: string | undefined;

/** The version of the product: what the bundle was made from, or what the repository's own manifest says. */
export function productVersion(): string {
  known ??= typeof OPENIM_VERSION === 'string' ? OPENIM_VERSION : manifestVersion();
  return known;
}

function manifestVersion(): string {
  const manifest: { version: string } = JSON.parse(
    readFileSync(new URL('../../../../package.json', import.meta.url), 'utf8'),
  );
  return manifest.version;
}
