import type { PictureFormat } from './picture-format.ts';

/** Most pixels of a thumbnail in each direction; a larger wish gets these. */
export const LARGEST_SIDE = 1_024;

/** A thumbnail that a client wishes for. */
export interface Wish {
  /** Most pixels, 1 to {@link LARGEST_SIDE}. */
  readonly width: number;
  readonly height: number;
  /** Absent: the format of the picture. */
  readonly format?: PictureFormat;
}

/** A picture or a thumbnail without its bytes. */
export interface PictureShape {
  readonly width: number;
  readonly height: number;
  readonly format: PictureFormat;
}

/**
 * The thumbnail of a picture for a wish: it fits into the wished box with the picture's proportions, and is never larger
 * than the picture. Undefined when the picture itself does.
 */
export function thumbnailShape(picture: PictureShape, wish: Wish): PictureShape | undefined {
  const format = wish.format ?? picture.format;
  const scale = Math.min(1, wish.width / picture.width, wish.height / picture.height);
  if (scale === 1 && format === picture.format) return undefined;
  const side = (pixels: number) => Math.max(1, Math.round(pixels * scale));
  return { width: side(picture.width), height: side(picture.height), format };
}

/** The smallest of `made` that is no smaller than `wanted`, in its format; undefined when there is none. */
export function nearestShape<S extends PictureShape>(
  made: readonly S[],
  wanted: PictureShape,
): S | undefined {
  return made
    .filter((one) => one.format === wanted.format && one.width >= wanted.width && one.height >= wanted.height)
    .toSorted((a, b) => a.width - b.width)[0];
}
