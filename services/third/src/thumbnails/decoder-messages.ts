import type { PictureFormat } from './picture-format.ts';
import type { PictureShape, Wish } from './thumbnail-size.ts';

/** Limits of a decoder, fixed when it starts. */
export interface DecoderLimits {
  readonly memoryMiB: number;
  readonly maxPixels: number;
}

/** A picture to make a thumbnail of. */
export interface DecoderJob {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** By its first bytes. */
  readonly format: PictureFormat;
  readonly wish: Wish;
}

/** A thumbnail that was made. */
export interface Thumbnail extends PictureShape {
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Why a file gets no thumbnail. */
export type Refusal = 'not-a-picture' | 'too-many-pixels' | 'too-much-memory' | 'too-slow' | 'broken';

/** What a decoder found. Without a thumbnail, the picture itself fits the wish. */
export type DecoderResult =
  | { readonly picture: PictureShape; readonly thumbnail?: Thumbnail }
  | { readonly refusal: Refusal; readonly detail: string };
