import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ImError } from '@im/protocol';
import { MongoBulkWriteError, MongoNetworkError, MongoServerError } from 'mongodb';
import {
  failedWrites,
  guarded,
  isDuplicateKey,
  isUnavailable,
  retryDuplicate,
  storeError,
} from './errors.ts';

const serverError = (code: number) => new MongoServerError({ message: 'no', code });
const withLabel = (label: string) => {
  const error = serverError(1);
  error.addErrorLabel(label);
  return error;
};

test('what may succeed later is 90004, other refusals are 90002, the rest passes as it is', () => {
  const own = new ImError(1004);
  const bug = new TypeError('bug');
  const cases: readonly (readonly [unknown, number | undefined])[] = [
    [new MongoNetworkError('gone'), 90_004],
    [serverError(10_107), 90_004],
    [serverError(189), 90_004],
    [withLabel('RetryableWriteError'), 90_004],
    [Object.assign(new Error('broken pipe'), { code: 'EPIPE' }), 90_004],
    [serverError(2), 90_002],
    [serverError(11_000), 90_002],
    [own, 1004],
    [bug, undefined],
  ];
  for (const [error, code] of cases) {
    const mapped = storeError(error);
    assert.equal(mapped instanceof ImError ? mapped.code : undefined, code, String(error));
    if (code === 90_004) assert.ok(isUnavailable(error));
    if (mapped !== error)
      assert.ok(mapped instanceof ImError && mapped.cause === error && mapped.detail !== 'no');
  }
  assert.equal(storeError(own), own);
  assert.equal(storeError(bug), bug);
});

test('a guarded repository maps the errors of all its methods, thrown or rejected', async () => {
  const repo = guarded({
    size: 3,
    async rejects(): Promise<number> {
      throw serverError(2);
    },
    throws(): number {
      throw serverError(2);
    },
    works: (n: number) => n + 1,
  });
  assert.equal(repo.size, 3);
  assert.equal(repo.works(1), 2);
  await assert.rejects(repo.rejects(), (error: unknown) => error instanceof ImError);
  assert.throws(() => repo.throws(), ImError);
});

test('an upsert that loses races is tried again, but not for ever', async () => {
  let left = 3;
  const value = await retryDuplicate(async () => {
    if (left-- > 0) throw serverError(11_000);
    return 'won';
  });
  assert.equal(value, 'won');
  await assert.rejects(
    retryDuplicate(async () => {
      throw serverError(11_000);
    }),
    isDuplicateKey,
  );
  let calls = 0;
  await assert.rejects(
    retryDuplicate(async () => {
      calls++;
      throw serverError(2);
    }),
  );
  assert.equal(calls, 1);
});

test('failures of single writes of a bulk are known only when all others are durable', () => {
  const bulk = (codes: readonly number[], concern?: object) => {
    const failures = codes.map((code, index) => ({ code, index }));
    const result = { getWriteConcernError: () => concern };
    return new MongoBulkWriteError(
      { message: 'no', code: 11_000, writeErrors: failures } as never,
      result as never,
    );
  };
  const codesOf = (error: unknown) => failedWrites(error).map(({ code }) => code);
  assert.deepEqual(codesOf(bulk([11_000, 121])), [11_000, 121]);
  for (const unclear of [bulk([]), bulk([11_000], {}), serverError(11_000), new TypeError('bug')]) {
    assert.throws(
      () => failedWrites(unclear),
      (error) => error === unclear,
    );
  }
});
