import assert from 'node:assert/strict';
import { test } from 'node:test';
import { anchorsOf, linksIn, pathsIn } from './page-references.ts';

test('links are found in prose, not in code', () => {
  assert.deepEqual(linksIn('[a](b.md) and [c](../d.md#e)\n```\n[x](y.md)\n```\n'), ['b.md', '../d.md#e']);
});

test('paths are found in code spans; placeholders, commands and other words are none', () => {
  const text = [
    'See `services/msg/src/index.ts`, `operator/src/` and `tools/docs.ts`;',
    '`services/<name>/src`, `docs/reference/*.md`, `openim/openim-operator`, `node tools/test.ts a/b`, crds/README.md.',
    '```',
    'node `services/none.ts`',
    '```',
  ].join('\n');
  assert.deepEqual(pathsIn(text), ['services/msg/src/index.ts', 'operator/src/', 'tools/docs.ts']);
});

test('headings have the anchors that GitHub gives them', () => {
  const text =
    '# Prove and measure it\n## `make up`: on a laptop?\n## See [a](b.md)\n## Twice\n## Twice\n```\n# none\n```\n';
  assert.deepEqual(
    [...anchorsOf(text)],
    ['prove-and-measure-it', 'make-up-on-a-laptop', 'see-a', 'twice', 'twice-1'],
  );
});
