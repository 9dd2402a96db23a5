import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatObject, formatTable, toYaml } from './output.ts';

test('a table has aligned columns, and empty cells for what is absent', () => {
  const rows = [
    { userID: 'alice', online: true, platforms: ['Web', 'IOS'] },
    { userID: 'bob', online: false, platforms: null },
  ];
  assert.equal(
    formatTable(rows, ['userID', 'online', 'platforms', 'lastSeen']),
    ['USER ID   ONLINE   PLATFORMS   LAST SEEN', 'alice     true     Web,IOS', 'bob       false'].join('\n'),
  );
});

test('an object has aligned values', () => {
  assert.equal(
    formatObject({ seq: 7, clientMsgID: 'x', error: null }),
    'seq:         7\nclientMsgID: x\nerror:',
  );
});

test('YAML keeps long lines whole', async () => {
  assert.equal(await toYaml({ text: `${'word '.repeat(40)}end` }), `text: ${'word '.repeat(40)}end\n`);
});
