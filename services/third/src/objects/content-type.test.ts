import assert from 'node:assert/strict';
import { test } from 'node:test';
import { servedAs } from './content-type.ts';

for (const [given, contentType, attachment] of [
  ['image/png', 'image/png', false],
  ['IMAGE/JPEG; q=1', 'image/jpeg', false],
  ['audio/ogg', 'audio/ogg', false],
  ['video/mp4', 'video/mp4', false],
  ['image/svg+xml', 'image/svg+xml', true],
  ['image/svg+xml; charset=utf-8', 'image/svg+xml', true],
  ['text/html', 'text/html', true],
  ['text/xml', 'text/xml', true],
  ['application/javascript', 'application/javascript', true],
  ['application/pdf', 'application/pdf', true],
  ['text/plain', 'text/plain', true],
  ['', 'application/octet-stream', true],
  ['image', 'application/octet-stream', true],
  ['image/png\r\nx: y', 'application/octet-stream', true],
  ['image/<script>', 'application/octet-stream', true],
] as const) {
  test(`${JSON.stringify(given)} is ${attachment ? 'an attachment' : 'shown'}`, () => {
    assert.deepEqual(servedAs(given), { contentType, attachment });
  });
}
