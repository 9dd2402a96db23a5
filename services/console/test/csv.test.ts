import assert from 'node:assert/strict';
import { test } from 'node:test';
import { csvOf } from '../src/components/csv.ts';

test('rows become CSV that spreadsheets read as it is meant', () => {
  const rows = [
    ['a, "b"', 1],
    ['two\nlines', -2],
  ];
  assert.equal(csvOf(['name', 'n'], rows), 'name,n\r\n"a, ""b""",1\r\n"two\nlines",-2\r\n');
});

test('no name is taken for a formula', () => {
  const csv = csvOf(['name'], [['=HYPERLINK("x")'], ['@a'], ['+1'], ['-1'], ['plain']]);
  assert.equal(csv, 'name\r\n"\'=HYPERLINK(""x"")"\r\n\'@a\r\n\'+1\r\n\'-1\r\nplain\r\n');
});
