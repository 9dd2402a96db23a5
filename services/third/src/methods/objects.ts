import { argsError, ERR, ImError, make } from '@im/protocol';
import type { ThirdDeps, ThirdMethods } from '../deps.ts';
import { servedAs } from '../objects/content-type.ts';
import { PART_LIMIT, partSizeOf } from '../objects/part-plan.ts';

const ACCESS_EXPIRES_S = 7 * 24 * 3600;

/** Reading objects, and what clients ask before they upload one. */
export function objectMethods({
  blob,
  objects,
}: ThirdDeps): ThirdMethods<'partLimit' | 'partSize' | 'accessURL'> {
  return {
    partLimit: async () => make('third.PartLimitResp', { ...PART_LIMIT }),
    partSize: async (_ctx, { size }) => make('third.PartSizeResp', { size: partSizeOf(size) }),
    async accessURL(ctx, { name, query }) {
      if (name === '') throw argsError('name is empty');
      const type = query.type ?? '';
      if (type !== '' && type !== 'image')
        throw argsError(`query.type: ${type} is not supported; use image or nothing`);
      const object = await objects.get(ctx.tenant, name);
      if (object === undefined) throw new ImError(ERR.RecordNotFoundError, `no object ${name}`);
      const served = servedAs(object.contentType);
      const url = await blob.presignGet(ctx.tenant, object.key, ACCESS_EXPIRES_S, served);
      return make('third.AccessURLResp', { url, expireTime: Date.now() + ACCESS_EXPIRES_S * 1000 });
    },
  };
}
