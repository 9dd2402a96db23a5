import assert from 'node:assert/strict';
import { test } from 'node:test';
import { confirmByName } from './confirm.ts';

const typing = (answer: string) => ({ isTerminal: true, ask: async () => answer });
const NOBODY = { isTerminal: false, ask: () => Promise.reject(new Error('asked')) };

test('what destroys wants the name, or --yes, and does not ask where there is no terminal', async () => {
  await confirmByName('delete the account', 'u1', undefined, typing(' u1\n'));
  await confirmByName('delete the account', 'u1', true, NOBODY);
  await assert.rejects(confirmByName('delete the account', 'u1', undefined, typing('y')), {
    message: 'not confirmed; nothing was done',
    exitCode: 2,
  });
  await assert.rejects(confirmByName('delete the account', 'u1', false, NOBODY), {
    message: 'this would delete the account u1, for good: add --yes, as there is no terminal to ask at',
    exitCode: 2,
  });
});
