import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { sourceFiles } from './source-files.ts';

const root = join(import.meta.dirname, '..');

/** Pages of docs/ that a text names. */
function pagesIn(text: string): string[] {
  return [...text.matchAll(/\bdocs\/[\w./-]+?\.md\b/g)].map(([page]) => page);
}

test('pages are found in comments and texts', () => {
  const text = "/** docs/protocol/sync.md. */ const help = 'see docs/a/b-c.md#x'; // no-docs.md";
  assert.deepEqual(pagesIn(text), ['docs/protocol/sync.md', 'docs/a/b-c.md']);
});

test('every page that the code names exists', () => {
  const files = sourceFiles(root).filter((path) => /\.(ts|proto|yaml)$/.test(path));
  const missing = files
    .filter((path) => path !== 'tools/cited-pages.test.ts')
    .flatMap((path) => {
      const pages = pagesIn(readFileSync(join(root, path), 'utf8'));
      return pages.filter((page) => !existsSync(join(root, page))).map((page) => `${path}: ${page}`);
    });
  assert.deepEqual(missing, []);
});
