import { pageRange, requireSelf } from '@im/kit';
import { argsError, ERR, ImError, make } from '@im/protocol';
import type { UserDeps, UserMethods } from '../deps.ts';

type ClientConfigMethods = UserMethods<
  'getUserClientConfig' | 'setUserClientConfig' | 'delUserClientConfig' | 'pageUserClientConfig'
>;

const MAX_CONFIGS = 1_000;

/** Settings that administrators give to clients. Admin rights of the writing routes are checked at the edge. */
export function clientConfigMethods({ configs, users }: UserDeps): ClientConfigMethods {
  return {
    async getUserClientConfig(ctx, { userID }) {
      if (userID !== '') {
        requireSelf(ctx, userID);
        if (!(await users.get(ctx.tenant, userID)))
          throw new ImError(ERR.RecordNotFoundError, 'record not found');
      }
      return make('user.GetUserClientConfigResp', { configs: await configs.get(ctx.tenant, userID) });
    },
    async setUserClientConfig(ctx, { userID, configs: given }) {
      if (Object.keys(given).length > MAX_CONFIGS)
        throw argsError(`configs has more than ${MAX_CONFIGS} keys`);
      await configs.set(ctx.tenant, userID, given);
      return make('user.SetUserClientConfigResp');
    },
    async delUserClientConfig(ctx, { userID, keys }) {
      await configs.remove(ctx.tenant, userID, keys);
      return make('user.DelUserClientConfigResp');
    },
    async pageUserClientConfig(ctx, { userID, key, pagination }) {
      return make(
        'user.PageUserClientConfigResp',
        await configs.page(ctx.tenant, { userID, key }, pageRange(pagination)),
      );
    },
  };
}
