import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { textToSend } from './text.ts';

const dir = mkdtempSync(join(tmpdir(), 'im-text-'));
after(() => rmSync(dir, { recursive: true, force: true }));

test('an argument is sent as it is, a file without its last line end', () => {
  const file = join(dir, 'text');
  writeFileSync(file, 'two\nlines\n\n');
  assert.equal(textToSend(' x ', undefined), ' x ');
  assert.equal(textToSend(undefined, file), 'two\nlines\n');
});

test('no text, two texts and empty ones are refused', () => {
  const empty = join(dir, 'empty');
  writeFileSync(empty, '\n');
  for (const [argument, file] of [
    [undefined, undefined],
    ['x', 'y'],
  ]) {
    assert.throws(() => textToSend(argument, file), { message: /give the text once/ });
  }
  assert.throws(() => textToSend('', undefined), { message: /the text is empty/ });
  assert.throws(() => textToSend(undefined, empty), { message: /empty is empty: there is nothing to send/ });
  assert.throws(() => textToSend(undefined, join(dir, 'none')), { message: /^--file: ENOENT/ });
});
