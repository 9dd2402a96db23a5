import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Environment, warnOfDeprecated } from './environment.ts';

test('a former name is read where the new one is not set, and reported once', () => {
  const environment = new Environment({ OPENIM_A: '', IM_A: 'old', IM_B: 'b' });
  assert.equal(environment.get('OPENIM_A', 'IM_A'), '', 'the new name wins, even when empty');
  assert.equal(environment.get('OPENIM_B', 'IM_B'), 'b');
  assert.equal(environment.get('OPENIM_B', 'IM_B'), 'b');
  assert.equal(environment.get('OPENIM_C', 'IM_C'), undefined);
  assert.equal(environment.get('IM_B'), 'b');
  assert.deepEqual(environment.deprecated, [{ name: 'IM_B', use: 'OPENIM_B' }]);
});

test('the log says which name to use', () => {
  const lines: object[] = [];
  warnOfDeprecated([{ name: 'IM_B', use: 'OPENIM_B' }], { warn: (fields) => void lines.push(fields) });
  assert.deepEqual(lines, [{ variable: 'IM_B', use: 'OPENIM_B' }]);
});
