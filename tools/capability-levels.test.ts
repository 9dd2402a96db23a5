import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '..');
const PAGE = 'docs/capability-levels.md';

/** Claims of a page: lines of lists, without the sentences around them. */
function claimsIn(text: string): string[] {
  return [...text.matchAll(/^- (.+)$/gm)].map(([, claim = '']) => claim);
}

/** What is wrong with a claim; `read` gives the text of a file, or undefined when there is none. */
function faultOf(claim: string, read: (path: string) => string | undefined): string | undefined {
  const [, path, name] = /: `([\w./-]+)`(?: "(.+)")?$/.exec(claim) ?? [];
  if (path === undefined) return `${claim}: names no test`;
  const text = read(path);
  if (text === undefined) return `${claim}: there is no ${path}`;
  return name !== undefined && !text.includes(name)
    ? `${claim}: ${path} has no test of this name`
    : undefined;
}

test('a claim without a test, with a missing one and with a renamed one is a fault', () => {
  const read = (path: string) => (path === 'a.test.ts' ? "test('it works', () => {})" : undefined);
  assert.match(faultOf('It works', read) ?? '', /names no test/);
  assert.match(faultOf('It works: `b.test.ts`', read) ?? '', /there is no b\.test\.ts/);
  assert.match(faultOf('It works: `a.test.ts` "it worked"', read) ?? '', /has no test of this name/);
  assert.equal(faultOf('It works: `a.test.ts` "it works"', read), undefined);
});

test('every claim of a capability has a test that exists', () => {
  const read = (path: string) => {
    const file = join(root, path);
    if (!existsSync(file)) return undefined;
    return path.endsWith('.ts') ? readFileSync(file, 'utf8') : '';
  };
  const claims = claimsIn(readFileSync(join(root, PAGE), 'utf8'));
  assert.ok(claims.length > 25, `${claims.length} claims`);
  assert.deepEqual(
    claims.flatMap((claim) => faultOf(claim, read) ?? []),
    [],
  );
});
