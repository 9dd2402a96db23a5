import { argsError } from '@im/protocol';

/** Limits of S3 multipart uploads, which clients read and cache. */
export const PART_LIMIT = {
  minPartSize: 5 * 1024 * 1024,
  maxPartSize: 5 * 1024 ** 3,
  maxNumSize: 10_000,
} as const;

/**
 * Size of the parts of an object: the smallest that needs at most 10,000 of them.
 * @throws ImError 1001 for a size that is not positive or too large; OpenIM answers 500, as if it had failed itself.
 */
export function partSizeOf(size: number): number {
  const { minPartSize, maxPartSize, maxNumSize } = PART_LIMIT;
  if (size <= 0) throw argsError(`size must be 1 or more: it is ${size}; an empty file cannot be uploaded`);
  if (size > maxPartSize * maxNumSize) {
    throw argsError(`size must be at most ${maxPartSize * maxNumSize}: it is ${size}`);
  }
  return size <= minPartSize * maxNumSize ? minPartSize : Math.ceil(size / maxNumSize);
}

/** How many parts an object has. */
export function partCount(size: number, partSize: number): number {
  return Math.ceil(size / partSize);
}
