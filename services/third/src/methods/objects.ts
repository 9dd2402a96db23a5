import { argsError, ERR, ImError, make } from '@im/protocol';
import type { ThirdDeps, ThirdMethods } from '../deps.ts';
import { servedAs } from '../objects/content-type.ts';
import { PART_LIMIT, partSizeOf } from '../objects/part-plan.ts';
import { wishOf } from '../thumbnails/wish.ts';

const HOUR_S = 3600;

/** Reading objects, and what clients ask before they upload one. */
export function objectMethods({
  blob,
  objects,
  thumbnails,
  accessHours,
}: ThirdDeps): ThirdMethods<'partLimit' | 'partSize' | 'accessURL'> {
  const expireS = accessHours * HOUR_S;

  return {
    partLimit: async () => make('third.PartLimitResp', { ...PART_LIMIT }),
    partSize: async (_ctx, { size }) => make('third.PartSizeResp', { size: partSizeOf(size) }),
    async accessURL(ctx, { name, query }) {
      if (name === '') throw argsError('name is empty');
      const type = query.type ?? '';
      if (type !== '' && type !== 'image')
        throw argsError(`query.type: ${type} is not supported; use image or nothing`);
      const wish = type === 'image' ? wishOf(query) : undefined;
      const object = await objects.get(ctx.tenant, name);
      if (object === undefined) throw new ImError(ERR.RecordNotFoundError, `no object ${name}`);
      const thumbnail = wish && (await thumbnails.find(ctx, object, wish));
      const { key, contentType } = thumbnail ?? object;
      const url = await blob.presignGet(ctx.tenant, key, expireS, servedAs(contentType));
      return make('third.AccessURLResp', { url, expireTime: Date.now() + expireS * 1000 });
    },
  };
}
