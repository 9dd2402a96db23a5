import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readUsers } from './read-csv.ts';

test('quotes, line ends, columns in any order and a mark of byte order are read', () => {
  const text = '\ufeffnickname,userID,ex\r\n"A, ""the"" first",a,"{""x"":\n1}"\r\n\r\n,b,\n';
  assert.deepEqual(readUsers(text), [
    { line: 2, userID: 'a', nickname: 'A, "the" first', faceURL: '', ex: '{"x":\n1}' },
    { line: 5, userID: 'b', nickname: 'b', faceURL: '', ex: '' },
  ]);
});

test('a fault is named with its line and field', () => {
  for (const [text, fault] of [
    ['', /line 1: there is no column userID/],
    ['userID,phone\na,1', /line 1: phone is not a column/],
    ['userID\na b', /line 2: userID: a b is not/],
    ['userID\na\nb\na', /line 4: userID: a is on line 2 already/],
    ['userID,nickname\na', /line 2: it has 1 fields, and the first line names 2/],
    ['userID\n"a', /line 2: a quote is open/],
    [`userID,ex\na,${'x'.repeat(4_097)}`, /line 2: ex: it has 4097 characters/],
  ] as const)
    assert.throws(() => readUsers(text), fault);
});
