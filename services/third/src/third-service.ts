import type { Blob } from '@im/blob';
import { requireSelf, type TenantDirectory } from '@im/kit';
import { argsError, ERR, ImError, make } from '@im/protocol';
import type { DomainService } from '@im/rpc';
import type { ClientLogRepo, ObjectRepo, ObjectUploadRepo, PushTokenRepo, UserRepo } from '@im/store';
import { clientLogs } from './client-logs.ts';
import { servedAs } from './content-type.ts';
import { formUploads } from './form-uploads.ts';
import { PART_LIMIT, partSizeOf } from './part-plan.ts';
import { uploadSpace } from './upload-space.ts';
import { uploads } from './uploads.ts';

/** Parts of {@link createThirdService}. */
export interface ThirdServiceDeps {
  readonly blob: Blob;
  readonly objects: ObjectRepo;
  readonly openUploads: ObjectUploadRepo;
  readonly logs: ClientLogRepo;
  readonly pushTokens: PushTokenRepo;
  readonly users: UserRepo;
  readonly tenants: TenantDirectory;
  /** Hours after which an upload that was not completed is removed. */
  readonly uploadHours: number;
}

const ACCESS_EXPIRES_S = 7 * 24 * 3600;

/** The third domain: objects, client logs, push registrations. */
export function createThirdService(deps: ThirdServiceDeps): DomainService<'third'> {
  const { blob, objects, pushTokens } = deps;
  const space = uploadSpace(deps.tenants, deps.openUploads);
  const parts = uploads({ ...deps, space });
  const forms = formUploads({ ...deps, space });
  const logs = clientLogs(deps);

  return {
    partLimit: async () => make('third.PartLimitResp', { ...PART_LIMIT }),
    partSize: async (_ctx, { size }) => make('third.PartSizeResp', { size: partSizeOf(size) }),
    initiateMultipartUpload: parts.initiate,
    authSign: parts.authSign,
    completeMultipartUpload: parts.complete,
    initiateFormData: forms.initiate,
    completeFormData: forms.complete,
    uploadLogs: logs.upload,
    deleteLogs: logs.remove,
    searchLogs: logs.search,

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

    async fcmUpdateToken(ctx, { account, platformID, fcmToken, expireTime }) {
      requireSelf(ctx, account);
      if (platformID < 1 || platformID > 11) throw argsError('platformID must be 1 to 11');
      if (fcmToken === '') throw argsError('fcmToken is empty');
      const expires = expireTime <= 0 ? 0 : Date.now() + expireTime * 1000;
      await pushTokens.put(ctx.tenant, { userID: account, platformID, token: fcmToken }, expires);
      return make('third.FcmUpdateTokenResp');
    },

    async setAppBadge(ctx, { userID, appUnreadCount }) {
      requireSelf(ctx, userID);
      await pushTokens.setBadge(ctx.tenant, userID, Math.max(0, appUnreadCount));
      return make('third.SetAppBadgeResp');
    },

    async delUserPushToken(ctx, { userID, platformID }) {
      requireSelf(ctx, userID);
      await pushTokens.remove(ctx.tenant, userID, platformID);
      return make('third.DelUserPushTokenResp');
    },
  };
}
