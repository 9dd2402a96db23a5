import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Collection, type Document, MongoNetworkError, MongoServerError } from 'mongodb';
import { findByIds, findWhole } from './whole-find.ts';

interface Row {
  _id: string;
  t: string;
}

/** Faults of a server that a real one has only by chance. */
function failing(command: (sent: Document) => Promise<Document>) {
  const sent: string[] = [];
  const col = {
    collectionName: 'rows',
    readConcern: { level: 'majority' },
    db: {
      command(document: Document) {
        sent.push(Object.keys(document)[0] ?? '');
        return command(document);
      },
    },
    find() {
      sent.push('cursor');
      return { toArray: async () => [{ _id: 'by cursor' }] };
    },
  };
  return { col: col as unknown as Collection<Row>, sent };
}

const FIND = { filter: { _id: { $in: ['a', 'b'] } }, limit: 2 };

test('an answer of one batch is the result of one command, at majority, with room for one more than the limit', async () => {
  let command: Document = {};
  const { col, sent } = failing(async (document) => {
    command = document;
    return { cursor: { id: 0, firstBatch: [{ _id: 'a' }] } };
  });
  assert.deepEqual(await findWhole(col, { ...FIND, projection: { _id: 1 } }), [{ _id: 'a' }]);
  assert.deepEqual(sent, ['find']);
  const { filter, limit } = FIND;
  const readConcern = { level: 'majority' };
  assert.deepEqual(command, {
    find: 'rows',
    filter,
    limit,
    batchSize: 3,
    projection: { _id: 1 },
    readConcern,
  });
});

test('an answer that is larger than a batch is read by a cursor, and leaves none behind', async () => {
  const { col, sent } = failing(async () => ({ cursor: { id: 5, firstBatch: [{ _id: 'a' }] } }));
  assert.deepEqual(await findWhole(col, FIND), [{ _id: 'by cursor' }]);
  assert.deepEqual(sent, ['find', 'killCursors', 'cursor']);
});

test('of ids, those that were not in the answer are asked for again, and none twice', async () => {
  const asked: string[][] = [];
  const { col, sent } = failing(async ({ find, filter }) => {
    if (find === undefined) return {};
    const ids: string[] = filter._id.$in;
    asked.push(ids);
    return { cursor: { id: ids.length > 2 ? 5 : 0, firstBatch: ids.slice(0, 2).map((_id) => ({ _id })) } };
  });
  const found = await findByIds(col, ['a', 'b', 'c', 'd']);
  assert.deepEqual(
    found.map(({ _id }) => _id),
    ['a', 'b', 'c', 'd'],
  );
  assert.deepEqual(asked, [
    ['a', 'b', 'c', 'd'],
    ['c', 'd'],
  ]);
  assert.ok(!sent.includes('cursor'));
});

test('a broken connection costs one more question, a slow server none', async () => {
  const broken = failing(() => Promise.reject(new MongoNetworkError('closed')));
  assert.deepEqual(await findWhole(broken.col, FIND), [{ _id: 'by cursor' }]);
  for (const [code, again] of [
    [10107, true],
    [50, false],
    [13, false],
  ] as const) {
    const { col, sent } = failing(() => Promise.reject(new MongoServerError({ message: 'no', code })));
    const result = findWhole(col, FIND);
    if (again) await result;
    else await assert.rejects(result, { code });
    assert.equal(sent.includes('cursor'), again, `${code}`);
  }
});
