import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import type { Command } from 'commander';
import { EXIT } from './exit-codes.ts';
import { createProgram } from './program.ts';
import { cliReference } from './reference.ts';

const MAIN = new URL('./main.ts', import.meta.url).pathname;
const SAY_LOADED = `data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from 'node:module';
  registerHooks({ load: (url, context, next) => (process.stderr.write(url + '\\n'), next(url, context)) });
`)}`;

function openimctl(...args: string[]) {
  return spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8' });
}

function leaves(command: Command): Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leaves);
}

test('a command loads the server, the stores and the wire client only when it needs them', () => {
  const { stderr, status } = spawnSync(process.execPath, ['--import', SAY_LOADED, MAIN, 'version'], {
    encoding: 'utf8',
  });
  assert.equal(status, 0);
  const loaded = stderr
    .split('\n')
    .filter((url) => /\/(services|cli\/client|cli\/proof|tools|operator|yaml|@kubernetes)\//.test(url));
  assert.match(stderr, /cli\/src\/commands\/version\.ts/);
  assert.deepEqual(loaded, []);
});

test('every command and option says what it is for, and is in the reference', () => {
  const text = cliReference();
  for (const command of leaves(createProgram())) {
    assert.notEqual(command.description(), '', command.name());
    for (const option of command.options) {
      assert.notEqual(option.description, '', `${command.name()} ${option.flags}`);
      assert.ok(text.includes(`\`${option.flags}\``), `${command.name()} ${option.flags}`);
    }
  }
});

test('help succeeds, and wrong use does not', () => {
  assert.equal(openimctl('--help').status, EXIT.ok);
  const { status, stderr } = openimctl('sned');
  assert.equal(status, EXIT.usage);
  assert.match(stderr, /unknown command 'sned'\n.*send/);
});
