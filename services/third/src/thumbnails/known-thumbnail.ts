import type { PictureThumbnails, StoredThumbnail } from '@im/store';
import type { PictureFormat } from './picture-format.ts';
import { nearestShape, thumbnailShape, type Wish } from './thumbnail-size.ts';

/** How a request for a thumbnail ended; a label. */
export type Outcome =
  | 'stored'
  | 'made'
  | 'original'
  | 'refused'
  | 'late'
  | 'busy'
  | 'full'
  | 'quota'
  | 'error';

/** The answer to a request for a thumbnail; without one, the picture itself is served. */
export interface Found {
  readonly outcome: Outcome;
  readonly thumbnail?: StoredThumbnail;
}

/** Most thumbnails of a picture: the sizes that an app shows are few, and each costs storage. */
export const MAX_PER_PICTURE = 16;

/** The thumbnail of a picture by what is known of it at a time (ms); undefined when it must be made. */
export function knownThumbnail(
  picture: PictureThumbnails | undefined,
  wish: Wish,
  now: number,
): Found | undefined {
  if (!picture) return undefined;
  const { width, height, made } = picture;
  const shape =
    width === 0
      ? undefined
      : thumbnailShape({ width, height, format: picture.format as PictureFormat }, wish);
  if (width > 0 && !shape) return { outcome: 'original' };
  const same =
    shape &&
    made.find(
      (one) => one.width === shape.width && one.height === shape.height && one.format === shape.format,
    );
  if (same) return { outcome: 'stored', thumbnail: same };
  if (picture.refusedUntil > now) return { outcome: picture.refusal === 'quota' ? 'quota' : 'refused' };
  if (!shape || made.length < MAX_PER_PICTURE) return undefined;
  const thumbnail = nearestShape(
    made.map((one) => ({ ...one, format: one.format as PictureFormat })),
    shape,
  );
  return { outcome: 'full', ...(thumbnail && { thumbnail }) };
}
