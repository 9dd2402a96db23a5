import { ERR, ImError } from '@im/protocol';

/** Limits of S3 multipart uploads, which clients read and cache. */
export const PART_LIMIT = {
  minPartSize: 5 * 1024 * 1024,
  maxPartSize: 5 * 1024 ** 3,
  maxNumSize: 10_000,
} as const;

/**
 * Size of the parts of an object: the smallest that needs at most 10,000 of them.
 * @throws ImError 500 for a size that is not positive or too large, as clients expect.
 */
export function partSizeOf(size: number): number {
  const { minPartSize, maxPartSize, maxNumSize } = PART_LIMIT;
  if (size <= 0) throw new ImError(ERR.ServerInternalError, 'size must be greater than 0');
  if (size > maxPartSize * maxNumSize) {
    throw new ImError(ERR.ServerInternalError, `size must be at most ${maxPartSize * maxNumSize}`);
  }
  return size <= minPartSize * maxNumSize ? minPartSize : Math.ceil(size / maxNumSize);
}

/** How many parts an object has. */
export function partCount(size: number, partSize: number): number {
  return Math.ceil(size / partSize);
}
