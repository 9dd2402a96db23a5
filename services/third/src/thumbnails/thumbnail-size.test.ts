import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nearestShape, thumbnailShape } from './thumbnail-size.ts';

for (const [picture, wish, wanted] of [
  [
    [4_000, 3_000],
    [640, 640],
    [640, 480],
  ],
  [
    [3_000, 4_000],
    [640, 640],
    [480, 640],
  ],
  [
    [4_000, 3_000],
    [1_024, 100],
    [133, 100],
  ],
  [[640, 480], [640, 480], undefined],
  [[100, 100], [640, 640], undefined],
  [
    [50_000, 10],
    [1_024, 1_024],
    [1_024, 1],
  ],
  [
    [10, 50_000],
    [1, 1],
    [1, 1],
  ],
] as const) {
  test(`${picture.join(' x ')} for ${wish.join(' x ')} is ${wanted?.join(' x ') ?? 'the picture itself'}`, () => {
    const [[width, height], format] = [picture, 'png' as const];
    const shape = thumbnailShape({ width, height, format }, { width: wish[0], height: wish[1] });
    assert.deepEqual(shape && [shape.width, shape.height, shape.format], wanted && [...wanted, 'png']);
  });
}

test('a small picture in another format is converted at its size', () => {
  const picture = { width: 10, height: 20, format: 'png' } as const;
  const shape = thumbnailShape(picture, { width: 640, height: 640, format: 'jpeg' });
  assert.deepEqual(shape, { width: 10, height: 20, format: 'jpeg' });
});

test('the nearest is the smallest that is large enough and of the format', () => {
  const shape = (width: number, height: number, format: 'png' | 'gif' = 'png') => ({ width, height, format });
  const made = [shape(900, 900), shape(200, 200), shape(300, 300), shape(250, 250, 'gif')];
  assert.deepEqual(nearestShape(made, shape(210, 210)), shape(300, 300));
  assert.equal(nearestShape(made, shape(901, 901)), undefined);
});
