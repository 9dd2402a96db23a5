import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license?: string;
}

/** Licences allowed in the shipped bundle; the terms of any other need a review first. */
const ALLOWED = [
  'MIT',
  'Apache-2.0',
  'ISC',
  'BSD-2-Clause',
  'BSD-3-Clause',
  '0BSD',
  'MIT-0',
  'BlueOak-1.0.0',
  'Unlicense',
];

/**
 * The licences of all packages that these files belong to, as their terms ask for where code is passed on.
 * @param files paths relative to the root.
 * @throws when a package has a licence that is not known to be free of conditions on our own code.
 */
export function thirdPartyNotices(root: string, files: readonly string[]): string {
  const folders = new Set(files.flatMap((file) => packageFolder(file) ?? []));
  const notices = [...folders].toSorted().map((folder) => {
    const {
      name,
      version,
      license = 'unknown',
    }: Manifest = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
    if (!isAllowed(license))
      throw new Error(`${name} ${version} is under ${license}: look at its terms before it is shipped`);
    const texts = readdirSync(join(root, folder))
      .filter((file) => /^(licen[cs]e|(third-party-)?notice|copying)/i.test(file))
      .map((file) => readFileSync(join(root, folder, file), 'utf8').trim());
    return [`${name} ${version} (${license})`, ...texts].join('\n\n');
  });
  return `${notices.join(`\n\n${'-'.repeat(80)}\n\n`)}\n`;
}

/** Whether an SPDX expression offers a choice that is allowed. */
export function isAllowed(license: string): boolean {
  return license
    .replace(/[()]/g, '')
    .split(' OR ')
    .some((choice) => choice.split(' AND ').every((name) => ALLOWED.includes(name.trim())));
}

/** The folder of the installed package that a file belongs to; undefined for a file of ours. */
export function packageFolder(file: string): string | undefined {
  return /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0];
}
