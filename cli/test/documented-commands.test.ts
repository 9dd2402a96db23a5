import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Command } from 'commander';
import { createProgram } from '../src/program.ts';
import { commandsOf, shellWords, writtenPages } from './documented-commands.ts';

/** Has all commands end once they are parsed. */
function parsedOnly(command: Command): Command {
  command.configureOutput({ writeErr: () => {}, writeOut: () => {} });
  if (command.commands.length === 0) command.action(() => {});
  for (const child of command.commands) parsedOnly(child);
  return command;
}

/** Why the command line is wrong; undefined where it is not. */
async function fault(args: readonly string[]): Promise<string | undefined> {
  try {
    await parsedOnly(createProgram(async () => {})).parseAsync([...args], { from: 'user' });
    return undefined;
  } catch (error) {
    const { code, message } = error as Error & { code?: string };
    return code === 'commander.helpDisplayed' || code === 'commander.version' ? undefined : message;
  }
}

test('words are those of a shell', () => {
  assert.deepEqual(shellWords(`a 'b c' "d \\" e" f\\ g --x=y # comment`), [
    'a',
    'b c',
    'd " e',
    'f g',
    '--x=y',
  ]);
  assert.deepEqual(shellWords(`a "" > file`), ['a', '']);
  assert.deepEqual(shellWords('inspect x | jq .'), ['inspect', 'x']);
  assert.deepEqual(shellWords('show <id> < file'), ['show', '<id>']);
  assert.deepEqual(shellWords('a=$(date -u) b'), ['a=$(date -u)', 'b']);
});

test('an unknown command, option or value is found', async () => {
  assert.match((await fault(['user', 'frobnicate'])) ?? '', /unknown command/);
  assert.match((await fault(['user', 'list', '--colour'])) ?? '', /unknown option/);
  assert.match((await fault(['top', '--by', 'planets'])) ?? '', /Allowed choices/);
  assert.match((await fault(['user', 'get'])) ?? '', /missing required argument/);
  assert.equal(await fault(['user', 'list', '-o', 'json']), undefined);
});

test('every openimctl of the documentation is one that there is', async () => {
  const commands = writtenPages().flatMap((page) => [
    ...commandsOf(page),
    ...commandsOf(page, 'kubectl openim'),
  ]);
  assert.ok(commands.length > 100, `only ${commands.length} commands were found`);
  const faults: string[] = [];
  for (const { place, args } of commands) {
    const why = await fault(args);
    if (why !== undefined) faults.push(`${place}: openimctl ${args.join(' ')}: ${why}`);
  }
  assert.deepEqual(faults, []);
});
