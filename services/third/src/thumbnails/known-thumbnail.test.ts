import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PictureThumbnails } from '@im/store';
import { knownThumbnail, MAX_PER_PICTURE } from './known-thumbnail.ts';
import { decodersWithin } from './thumbnails.ts';

const NOW = 1_000_000;
const made = (width: number, format = 'png') => ({ key: `${width}`, width, height: width, format, size: 1 });
const picture: PictureThumbnails = {
  width: 100,
  height: 100,
  format: 'png',
  refusal: '',
  refusedUntil: 0,
  made: [made(40)],
};
const ask = (known: Partial<PictureThumbnails> | undefined, side: number) => {
  const found = knownThumbnail(known && { ...picture, ...known }, { width: side, height: side }, NOW);
  return found && [found.outcome, found.thumbnail?.width];
};

test('what is stored is found, and what is not is made', () => {
  assert.equal(ask(undefined, 40), undefined);
  assert.deepEqual(ask({}, 40), ['stored', 40]);
  assert.equal(ask({}, 41), undefined);
  assert.deepEqual(ask({}, 100), ['original', undefined]);
});

test('a refusal holds for its time, and for nothing that is stored', () => {
  const broken = { width: 0, height: 0, format: '', made: [], refusal: 'broken' };
  assert.deepEqual(ask({ ...broken, refusedUntil: NOW + 1 }, 40), ['refused', undefined]);
  assert.equal(ask({ ...broken, refusedUntil: NOW }, 40), undefined);
  const full = { refusal: 'quota', refusedUntil: NOW + 1 };
  assert.deepEqual(ask(full, 41), ['quota', undefined]);
  assert.deepEqual(ask(full, 40), ['stored', 40]);
});

test('a picture with all its thumbnails has the nearest', () => {
  const all = { made: Array.from({ length: MAX_PER_PICTURE }, (_, i) => made(20 + i)) };
  assert.deepEqual(ask(all, 10), ['full', 20]);
  assert.deepEqual(ask(all, 90), ['full', undefined]);
});

test('decoders take half of the memory at most, and there is one at least', () => {
  const of = (workers: number, memory: number) => decodersWithin({ workers, memoryMiB: 256 }, memory);
  const mib = 1_048_576;
  assert.deepEqual(
    [of(2, 512 * mib), of(2, 1_024 * mib), of(8, 2_048 * mib), of(2, 100 * mib), of(2, 0), of(2, 2 ** 64)],
    [1, 2, 4, 1, 2, 2],
  );
});
