import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { createDecoder } from '../src/thumbnails/decoder.ts';
import type { DecoderResult } from '../src/thumbnails/decoder-messages.ts';
import { formatOf, type PictureFormat } from '../src/thumbnails/picture-format.ts';
import { animated, hollowPng, oriented, plainPng, png } from './pictures.ts';

const limits = { memoryMiB: 256, maxPixels: 50_000_000, decodeMs: 20_000 };

describe('a decoder', () => {
  const decoder = createDecoder(limits);
  after(() => decoder.stop());
  const decode = (bytes: Uint8Array<ArrayBuffer>, side: number, format?: PictureFormat) =>
    decoder.decode({
      bytes: bytes.slice(),
      format: formatOf(bytes) ?? 'png',
      wish: { width: side, height: side, ...(format && { format }) },
    });
  const made = (result: DecoderResult) => {
    assert.ok('picture' in result && result.thumbnail, JSON.stringify(result));
    return result.thumbnail;
  };
  const refusal = async (bytes: Uint8Array<ArrayBuffer>) => {
    const result = await decode(bytes, 64);
    return 'refusal' in result ? result.refusal : result;
  };
  const source = png(300, 200);

  for (const format of ['jpeg', 'png', 'webp', 'gif'] as const) {
    test(`reads and writes ${format}`, async () => {
      const picture = made(await decode(source, 150, format));
      assert.equal(formatOf(picture.bytes), format);
      assert.deepEqual([picture.width, picture.height], [150, 100]);
      const again = made(await decode(picture.bytes, 30));
      assert.equal(formatOf(again.bytes), format);
      const seen = await decode(again.bytes, 64);
      assert.deepEqual(seen, { picture: { width: 30, height: 20, format } }, 'it is as large as it says');
    });
  }

  test('turns a picture as its camera was held, and drops the metadata', async () => {
    const jpeg = made(await decode(source, 300, 'jpeg')).bytes;
    const result = await decode(oriented(jpeg, 6), 60);
    const { width, height, bytes } = made(result);
    assert.deepEqual([width, height], [40, 60]);
    assert.ok('picture' in result);
    assert.deepEqual([result.picture.width, result.picture.height], [200, 300]);
    assert.equal(Buffer.from(bytes).includes('Exif'), false);
  });

  test('takes the first frame of an animation', async () => {
    const gif = animated(made(await decode(source, 300, 'gif')).bytes);
    const result = await decode(gif, 30);
    assert.deepEqual([made(result).width, made(result).height], [30, 20]);
    assert.ok('picture' in result);
    assert.deepEqual([result.picture.width, result.picture.height], [300, 200]);
  });

  test('refuses what is broken, too large or a bomb, and goes on', async () => {
    assert.equal(await refusal(new Uint8Array(Buffer.from('GIF89a\0\0'))), 'broken');
    assert.equal(await refusal(hollowPng(50_000, 50_000)), 'too-many-pixels');
    assert.equal(await refusal(hollowPng(7_050, 7_050, true)), 'too-much-memory');
    assert.deepEqual([made(await decode(source, 30)).width], [30]);
  });

  test('ends when it is stopped, in the middle of a picture', async () => {
    const stopped = createDecoder(limits);
    const work = stopped.decode({ bytes: png(20, 20), format: 'png', wish: { width: 8, height: 8 } });
    stopped.stop();
    await assert.rejects(work);
    const late = { bytes: png(20, 20), format: 'png', wish: { width: 8, height: 8 } } as const;
    await assert.rejects(stopped.decode(late), /the process stops/);
  });
});

test('a picture that takes too long is refused, and its thread is replaced', async () => {
  const decoder = createDecoder({ ...limits, decodeMs: 1 });
  try {
    for (let i = 0; i < 2; i++) {
      const job = {
        bytes: plainPng(2_000, 2_000),
        format: 'png',
        wish: { width: 100, height: 100 },
      } as const;
      const slow = await decoder.decode(job);
      assert.equal('refusal' in slow && slow.refusal, 'too-slow');
    }
  } finally {
    decoder.stop();
  }
});
