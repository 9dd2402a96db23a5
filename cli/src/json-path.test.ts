import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CommandError } from './exit-codes.ts';
import { jsonPath } from './json-path.ts';

const LIST = {
  items: [
    { name: 'a', size: 1, labels: { 'app.io/name': 'x' }, ok: true, tags: ['p', 'q'] },
    { name: 'b', size: 20, ok: false },
    { name: 'c}"', size: 3, ok: true },
  ],
  nextCursor: '7',
};

test('paths select what kubectl selects', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['{.nextCursor}', '7'],
    ['.nextCursor', '7'],
    ['$.items[0].name', 'a'],
    ['{.items[-1].size}', '3'],
    ['{.items[*].name}', 'a b c}"'],
    ['{.items[0:2].name}', 'a b'],
    ['{.items[1:].size}', '20 3'],
    ["{.items[0].labels['app.io/name']}", 'x'],
    ['{.items[0].labels.app\\.io/name}', 'x'],
    ['{..name}', 'a b c}"'],
    ['{.items[0].tags}', '["p","q"]'],
    ['{.items[?(@.name=="b")].size}', '20'],
    ["{.items[?(@.name=='b')].size}", '20'],
    ['{.items[?(@.size>2)].name}', 'b c}"'],
    ['{.items[?(@.ok==true)].name}', 'a c}"'],
    ['{.items[?(@.tags)].name}', 'a'],
    [`{.items[?(@.name=='c}"')].size}`, '3'],
    ['{.missing.path}', ''],
    ['{.items[9].name}', ''],
    ['{range .items[*]}{.name}={.size}{"\\n"}{end}', 'a=1\nb=20\nc}"=3\n'],
    ['n: {.items[0].name}{"\\t"}!', 'n: a\t!'],
    ['{@.nextCursor}', '7'],
    ['{.constructor}{.__proto__}', ''],
  ];
  for (const [template, wanted] of cases) assert.equal(jsonPath(template)(LIST), wanted, template);
});

test('a template that is wrong is refused with the reason and an example', () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['', /1 to 4096 characters/],
    ['x'.repeat(5_000), /1 to 4096 characters/],
    ['{.items', /\{ is never closed/],
    ['{.items[0}', /\[ is never closed/],
    ['{.items[x]}', /\[x\] is not an index/],
    ['{.items[?(name)]}', /is not a condition/],
    ['{range .items[*]}{.name}', /\{range\} without \{end\}/],
    ['{end}', /\{end\} without \{range\}/],
    ['{.items.}', /a name is missing/],
  ];
  for (const [template, text] of cases) {
    assert.throws(
      () => jsonPath(template),
      (error) => error instanceof CommandError && error.exitCode === 2 && text.test(error.message),
      template,
    );
  }
});
