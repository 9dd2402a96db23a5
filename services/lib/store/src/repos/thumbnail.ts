import type { TenantId } from '@im/contract';
import { defineCollection, type TenantDocument } from '../collection.ts';
import { guarded, retryDuplicate } from '../errors.ts';
import type { Store } from '../store.ts';
import { objectUploadRepo } from './object-upload.ts';

/** A thumbnail in the bucket. */
export interface StoredThumbnail {
  readonly key: string;
  readonly width: number;
  readonly height: number;
  readonly format: string;
  readonly size: number;
}

/** What is known of a picture and of its thumbnails. `_id` = tenant, key of the picture. */
interface ThumbnailDocument extends TenantDocument {
  v: 1;
  /** The picture's key in the bucket. */
  key: string;
  /** As it is shown; 0 while unknown. */
  width: number;
  height: number;
  format: string;
  /** Why it gets no thumbnail until `refusedUntil` (ms); empty for a picture that does. */
  refusal: string;
  refusedUntil: number;
  made: StoredThumbnail[];
}

/** Collection of thumbnails; the third domain writes it, and their pictures' expiry removes from it. */
export const THUMBNAILS = defineCollection<ThumbnailDocument>('object_thumbnail');

/** What is known of a picture, and the thumbnails that were made of it. */
export type PictureThumbnails = Omit<ThumbnailDocument, '_id' | 't' | 'v' | 'key'>;

/** Thumbnails of pictures, by the pictures' keys. */
export interface ThumbnailRepo {
  get(tenant: TenantId, key: string): Promise<PictureThumbnails | undefined>;
  /** Writes down what a picture is. */
  describe(
    tenant: TenantId,
    key: string,
    picture: Pick<PictureThumbnails, 'width' | 'height' | 'format'>,
  ): Promise<void>;
  /** Writes down that a file gets no thumbnail until a time (ms). */
  refuse(tenant: TenantId, key: string, refusal: string, until: number): Promise<void>;
  /** Adds a thumbnail. @returns false when the picture has one of this shape or `most` already, or is gone. */
  add(tenant: TenantId, key: string, thumbnail: StoredThumbnail, most: number): Promise<boolean>;
  /** Hands the bytes of a picture's thumbnails to the expiry of uploads, and forgets what is known of it. */
  forget(tenant: TenantId, key: string): Promise<void>;
  /** Sizes of all thumbnails. */
  sizes(tenant: TenantId): AsyncIterable<number>;
}

/** Attempts to forget a picture that gets thumbnails meanwhile. */
const FORGET_ATTEMPTS = 20;

/** The thumbnails of a store. */
export function thumbnailRepo(store: Store): ThumbnailRepo {
  const pictures = (tenant: TenantId) => store.collection(tenant, THUMBNAILS);
  const uploads = objectUploadRepo(store);

  async function upsert(tenant: TenantId, picture: string, set: Partial<ThumbnailDocument>): Promise<void> {
    const { col, key } = pictures(tenant);
    const fixed = { t: tenant, v: 1 as const, key: picture };
    const $setOnInsert = { made: [], ...(set.width === undefined && { width: 0, height: 0, format: '' }) };
    await retryDuplicate(() =>
      col.updateOne({ _id: key(picture) }, { $set: { ...fixed, ...set }, $setOnInsert }, { upsert: true }),
    );
  }

  return guarded<ThumbnailRepo>({
    async get(tenant, picture) {
      const { col, key } = pictures(tenant);
      const found = await col.findOne({ _id: key(picture) });
      if (!found) return undefined;
      const { width, height, format, refusal, refusedUntil, made } = found;
      return { width, height, format, refusal, refusedUntil, made };
    },
    describe: (tenant, picture, { width, height, format }) =>
      upsert(tenant, picture, { width, height, format, refusal: '', refusedUntil: 0 }),
    refuse: (tenant, picture, refusal, refusedUntil) => upsert(tenant, picture, { refusal, refusedUntil }),
    async add(tenant, picture, thumbnail, most) {
      const { col, key } = pictures(tenant);
      const { width, height, format } = thumbnail;
      const missing = {
        _id: key(picture),
        made: { $not: { $elemMatch: { width, height, format } } },
        [`made.${most - 1}`]: { $exists: false },
      };
      return (await col.updateOne(missing, { $push: { made: thumbnail } })).matchedCount === 1;
    },
    async forget(tenant, picture) {
      const { col, key } = pictures(tenant);
      const _id = key(picture);
      for (let attempt = 0; attempt < FORGET_ATTEMPTS; attempt++) {
        const found = await col.findOne({ _id });
        if (!found) return;
        for (const { key: thumbnail, size } of found.made) {
          await uploads.put(tenant, {
            id: `thumbnail/${thumbnail}`,
            kind: 'thumbnail',
            userID: '',
            key: thumbnail,
            storageId: '',
            source: picture,
            size,
            createTime: Date.now(),
          });
        }
        const same = { _id, made: { $size: found.made.length } };
        if ((await col.deleteOne(same)).deletedCount === 1) return;
      }
    },
    async *sizes(tenant) {
      const { col, range } = pictures(tenant);
      const cursor = col.find({ _id: range() }, { projection: { _id: 0, 'made.size': 1 } });
      for await (const { made } of cursor) for (const { size } of made) yield size;
    },
  });
}
