import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatObject, formatTable, programText, streamText, toYaml } from './output.ts';

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

test('names are those of resources, of the column that identifies an entry, or of the first field', async () => {
  const tenant = { apiVersion: 'openim.io/v1alpha1', kind: 'OpenIMTenant', metadata: { name: 'shop' } };
  assert.equal(await programText([tenant], 'name'), 'openimtenant/shop\n');
  assert.equal(
    await programText(
      [
        { current: '*', name: 'a' },
        { name: 'b', current: '' },
      ],
      'name',
      'name',
    ),
    'a\nb\n',
  );
  assert.equal(await programText({ users: [{ userID: 'u' }], nextCursor: '1' }, 'name'), 'u\n');
  assert.equal(await programText({ users: [] }, 'name'), '');
  assert.equal(await programText({ groupID: 'g', tags: ['x'] }, 'name'), 'g\n');
});

test('templates see a result as it is in JSON, and end with one line end', async () => {
  const value = { at: new Date(0), left: undefined };
  assert.equal(await programText(value, 'jsonpath={.at}'), '1970-01-01T00:00:00.000Z\n');
  assert.equal(await programText(value, 'jsonpath={.at}{"\\n"}'), '1970-01-01T00:00:00.000Z\n');
  assert.equal(await programText(value, 'jsonpath={.left}'), '');
});

test('what comes one after the other has a line or document each', async () => {
  const printed = async (format: 'json' | 'yaml' | 'name' | 'jsonpath={.a}') =>
    [{ a: 1 }, { a: 2 }].map(await streamText(format)).join('');
  assert.equal(await printed('json'), '{"a":1}\n{"a":2}\n');
  assert.equal(await printed('yaml'), '---\na: 1\n---\na: 2\n');
  assert.equal(await printed('name'), '1\n2\n');
  assert.equal(await printed('jsonpath={.a}'), '1\n2\n');
});
