import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CommandError, findOnPath, runCommand } from './run-command.ts';

test('a command gives its standard output and its lines', async () => {
  const lines: string[] = [];
  const output = await runCommand('sh', ['-c', 'echo out; echo err >&2; printf "$WORD"'], {
    env: { WORD: 'last' },
    onLine: (line) => lines.push(line),
  });
  assert.equal(output, 'out\nlast');
  assert.deepEqual(lines.sort(), ['err', 'last', 'out']);
});

test('the error of a failed command has its code and the end of its output', async () => {
  await assert.rejects(runCommand('sh', ['-c', 'echo reason >&2; exit 3']), (error: Error) => {
    assert.ok(error instanceof CommandError);
    assert.match(error.message, /ended with 3:\nreason$/);
    return true;
  });
  await assert.rejects(runCommand('no-such-command', []), /cannot run no-such-command/);
});

test('commands are found on PATH', async () => {
  assert.match((await findOnPath('sh')) ?? '', /^\/.*\/sh$/);
  assert.equal(await findOnPath('no-such-command'), undefined);
  assert.equal(await findOnPath('sh', { PATH: '' }), undefined);
});
