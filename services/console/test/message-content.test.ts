import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readableContent } from '../src/pages/message-content.ts';

const shown = (contentType: number, content: string) => readableContent({ contentType, content });

test('of messages with a text, the text is shown; of others what they are', () => {
  assert.equal(shown(101, '{"content":"hello <b>"}'), 'hello <b>');
  assert.equal(shown(106, '{"text":"@all hello"}'), '@all hello');
  assert.equal(shown(110, '{"data":"x"}'), '{"data":"x"}');
});

test('what is no content of its type is shown as it is, and cut', () => {
  assert.equal(shown(101, 'plain'), 'plain');
  assert.equal(shown(101, 'null'), 'null');
  assert.equal(shown(101, '{"content":7}'), '{"content":7}');
  assert.equal(shown(101, JSON.stringify({ content: 'x'.repeat(10_000) })).length, 2_000);
});
