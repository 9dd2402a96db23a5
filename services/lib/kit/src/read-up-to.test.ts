import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { readUpTo } from './read-up-to.ts';

const chunks = () => [Buffer.from('ab'), Buffer.from('cd')];

test('what is not longer than the limit is read whole', async () => {
  assert.equal((await readUpTo(Readable.from(chunks()), 4))?.toString(), 'abcd');
  assert.equal((await readUpTo([], 4))?.length, 0);
});

test('what is longer is not read to its end', async () => {
  const stream = Readable.from([...chunks(), Buffer.from('ef')]);
  assert.equal(await readUpTo(stream, 3), undefined);
  assert.ok(stream.destroyed);
});
