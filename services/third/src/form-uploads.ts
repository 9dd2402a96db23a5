import { randomUUID } from 'node:crypto';
import { extname } from 'node:path';
import type { Blob } from '@im/blob';
import type { CallContext } from '@im/kit';
import { argsError, ERR, ImError, make, type third } from '@im/protocol';
import type { ObjectRepo } from '@im/store';
import { checkWritableName, objectUrl } from './object-name.ts';

const FORM_EXPIRES_MS = 10 * 60_000;

interface FormId {
  name: string;
  size: number;
  contentType: string;
  group: string;
  key: string;
}

function decodeFormId(id: string): FormId {
  try {
    return JSON.parse(Buffer.from(id, 'base64').toString('utf8')) as FormId;
  } catch {
    throw argsError('id is not one of ours');
  }
}

/** Uploads by a form that a browser posts directly. */
export function formUploads({ blob, objects }: { blob: Blob; objects: ObjectRepo }) {
  return {
    async initiate(ctx: CallContext, req: third.InitiateFormDataReq): Promise<third.InitiateFormDataResp> {
      checkWritableName(ctx, req.name);
      if (req.size <= 0) throw argsError('size must be greater than 0');
      const absolute = req.absolute && ctx.opAdmin;
      const day = new Date().toISOString().slice(0, 10).replaceAll('-', '');
      const key = absolute
        ? req.name
        : `openim/direct/${day}/${ctx.opUserID}/${randomUUID()}${extname(req.name)}`;
      const lifeMs = ctx.opAdmin && req.millisecond > 0 ? req.millisecond : FORM_EXPIRES_MS;
      const expires = new Date(Date.now() + lifeMs);
      const form = await blob.presignPost(ctx.tenant, key, req.size, req.contentType, expires);
      const { name, size, contentType, group } = req;
      const id: FormId = { name, size, contentType, group, key };
      return make('third.InitiateFormDataResp', {
        id: Buffer.from(JSON.stringify(id)).toString('base64').replaceAll('=', ''),
        url: form.url,
        file: 'file',
        formData: { ...form.fields },
        expires: expires.getTime(),
        successCodes: [200, 204],
      });
    },

    async complete(ctx: CallContext, req: third.CompleteFormDataReq): Promise<third.CompleteFormDataResp> {
      const { name, size, contentType, group, key } = decodeFormId(req.id);
      checkWritableName(ctx, name);
      if (!ctx.opAdmin && !key.includes(`/${ctx.opUserID}/`)) {
        throw new ImError(ERR.NoPermissionError, "that is someone else's upload");
      }
      const put = await blob.stat(ctx.tenant, key);
      if (put.size !== size)
        throw new ImError(ERR.DataError, `size mismatching: ${put.size} instead of ${size}`);
      await objects.put(ctx.tenant, {
        name,
        userID: ctx.opUserID,
        hash: '',
        key,
        size,
        contentType,
        group,
        createTime: Date.now(),
      });
      return make('third.CompleteFormDataResp', { url: objectUrl(req.urlPrefix, name) });
    },
  };
}
