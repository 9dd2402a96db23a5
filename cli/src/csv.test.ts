import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatCsv } from './csv.ts';

test('texts are quoted where RFC 4180 asks for it, and are no formulas', () => {
  const rows = [
    { name: 'a "b", c', n: -1 },
    { name: '=HYPERLINK("x")', n: 2 },
    { name: 'two\nlines', n: 3 },
    { name: null, n: 4 },
  ];
  assert.equal(
    formatCsv(rows, ['name', 'n']),
    'name,n\r\n"a ""b"", c",-1\r\n"\'=HYPERLINK(""x"")",2\r\n"two\nlines",3\r\n,4\r\n',
  );
});
