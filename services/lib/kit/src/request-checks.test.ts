import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ERR, ImError } from '@im/protocol';
import {
  checkList,
  MAX_LIST,
  requireDistinct,
  requireList,
  requireOneOf,
  requireText,
} from './request-checks.ts';

const refused = (field: string) => (error: unknown) =>
  error instanceof ImError && error.code === ERR.ArgsError && error.detail.startsWith(field);
const many = (n: number) => Array.from({ length: n }, (_, i) => `u${i}`);

test('a check names the field that it refuses', () => {
  assert.throws(() => requireText('groupID', ''), refused('groupID'));
  assert.throws(() => requireList('userIDs', []), refused('userIDs'));
  assert.throws(() => requireList('userIDs', ['a', '']), refused('userIDs'));
  assert.throws(() => requireDistinct('userIDs', ['a', 'a']), refused('userIDs'));
  assert.throws(() => checkList('userIDs', many(MAX_LIST + 1)), refused('userIDs'));
  assert.throws(() => requireOneOf('handleResult', 0, [1, -1]), refused('handleResult'));
});
test('what is allowed passes', () => {
  requireText('groupID', 'g');
  requireDistinct('userIDs', many(MAX_LIST));
  checkList('userIDs', []);
  requireOneOf('handleResult', -1, [1, -1]);
});
