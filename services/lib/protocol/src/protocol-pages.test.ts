import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { CONTENT, OPTION, REQ } from './constants.ts';
import { messageType } from './schema.ts';

const page = (name: string) =>
  readFileSync(new URL(`../../../../docs/protocol/${name}`, import.meta.url), 'utf8');

/** Names in backquotes in a cell of a table. */
const named = (cell: string | undefined) =>
  [...(cell ?? '').matchAll(/`(\w+)`/g)].map(([, name = '']) => name);

test('the page of messages has every field with its number', () => {
  const section = /## Fields\n([\s\S]*?)\n## /.exec(page('messages.md'))?.[1] ?? '';
  const rows = section.split('\n').filter((line) => line.startsWith('| `'));
  const documented = rows.flatMap((row) => {
    const [, names, numbers = ''] = row.split('|');
    return named(names).map((name, i) => `${name} ${numbers.split(',')[i]?.trim()}`);
  });
  const fields = messageType('sdkws.MsgData').fieldsArray.map(({ name, id }) => `${name} ${id}`);
  assert.deepEqual(documented.toSorted(), fields.toSorted());
});

test('the page of messages has every option', () => {
  const section = /## Options\n([\s\S]*?)\n## /.exec(page('messages.md'))?.[1] ?? '';
  const rows = section.split('\n').filter((line) => line.startsWith('| `'));
  const documented = rows.flatMap((row) => named(row.split('|')[1]));
  assert.deepEqual(documented.toSorted(), Object.keys(OPTION).toSorted());
});

test('the pages name every content type and request identifier that the server knows', () => {
  const messages = page('messages.md');
  const notifications = page('notifications.md');
  for (const [name, type] of Object.entries(CONTENT)) {
    assert.match(messages + notifications, new RegExp(`\\b${type}\\b`), `${name} ${type}`);
  }
  for (const [name, identifier] of Object.entries(REQ)) {
    assert.match(page('requests.md'), new RegExp(`^\\| ${identifier} \\|`, 'm'), `${name} ${identifier}`);
  }
});
