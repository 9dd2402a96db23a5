import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { manPage } from './man.ts';
import { createProgram } from './program.ts';

const hasGroff = spawnSync('groff', ['--version']).status === 0;

test('the manual page is roff without a warning, and says all commands', {
  skip: !hasGroff && 'needs groff',
}, () => {
  const program = createProgram();
  const input = manPage(program, '0.0.0');
  const { stdout, stderr, status } = spawnSync('groff', ['-man', '-Tutf8', '-ww', '-rLL=100n', '-P-c'], {
    input,
    encoding: 'utf8',
  });
  assert.equal(status, 0);
  assert.equal(stderr, '');
  const text = stdout.replaceAll(/.[\b]/g, '').replaceAll('‐', '-').replaceAll('−', '-');
  assert.match(text, /^NAME\s+openimctl - Runs and operates/m);
  assert.match(text, /openimctl user ban \[options\] <userID>/);
  assert.match(text, /^ +-o, --output <format>$/m);
  assert.match(text, /EXIT STATUS[\s\S]+^ +3 +The server could not be reached/m);
});

test('a text that begins like a request of roff stays a text', () => {
  const [ban] = createProgram().commands.filter((command) => command.name() === 'config');
  assert.ok(ban);
  ban.description(".so /etc/passwd and \\n'x");
  assert.match(manPage(ban, '0'), /^\\&\.so \/etc\/passwd and \\en'x\.$/m);
});
