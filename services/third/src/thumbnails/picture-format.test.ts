import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatNamed, formatOf } from './picture-format.ts';

for (const [head, format] of [
  ['\xff\xd8\xff\xe0\x00\x10JFIF', 'jpeg'],
  ['\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR', 'png'],
  ['RIFF\x00\x00\x00\x00WEBPVP8 ', 'webp'],
  ['GIF87a', 'gif'],
  ['GIF89a', 'gif'],
  ['RIFF\x00\x00\x00\x00WAVEfmt ', undefined],
  ['<svg xmlns="http', undefined],
  ['<?xml version="1', undefined],
  ['II*\x00', undefined],
  ['%PDF-1.7', undefined],
  ['', undefined],
] as const) {
  test(`a file that begins with ${JSON.stringify(head)} is ${format ?? 'no picture'}`, () => {
    assert.equal(formatOf(Buffer.from(head, 'latin1')), format);
  });
}

test('a format has the names that clients use', () => {
  assert.deepEqual(['jpg', 'JPEG', 'png', 'webp', 'Gif', '', 'bmp', 'toString'].map(formatNamed), [
    'jpeg',
    'jpeg',
    'png',
    'webp',
    'gif',
    undefined,
    undefined,
    undefined,
  ]);
});
