import { randomUUID } from 'node:crypto';
import { extname } from 'node:path';
import { acceptedTokenSecrets } from '@im/contract';
import type { CallContext } from '@im/kit';
import { argsError, ERR, ImError, make } from '@im/protocol';
import type { ThirdDeps, ThirdMethods } from '../deps.ts';
import { servedAs } from '../objects/content-type.ts';
import { checkWritableName, objectUrl } from '../objects/object-name.ts';
import { seal, unseal } from '../objects/sealed-id.ts';
import { tenantOf } from '../objects/upload-space.ts';

const FORM_EXPIRES_MS = 10 * 60_000;
const MAX_EXTENSION = 32;

/** Content of a form's id, which clients return unread. */
interface Form {
  readonly id: string;
  readonly name: string;
  readonly size: number;
  readonly contentType: string;
  readonly group: string;
  readonly key: string;
  readonly userID: string;
}

/** Uploads by a form that a browser posts directly. */
export function formDataMethods({
  blob,
  objects,
  tenants,
  space,
  thumbnails,
}: ThirdDeps): ThirdMethods<'initiateFormData' | 'completeFormData'> {
  const secretOf = (ctx: CallContext) => tenantOf(ctx, tenants).tokenSecret;
  const secretsOf = (ctx: CallContext) => acceptedTokenSecrets(tenantOf(ctx, tenants), Date.now());

  return {
    async initiateFormData(ctx, req) {
      checkWritableName(ctx, req.name);
      if (req.size <= 0) throw argsError('size must be greater than 0');
      space.checkSize(ctx, req.size);
      const absolute = req.absolute && ctx.opAdmin;
      const day = new Date().toISOString().slice(0, 10).replaceAll('-', '');
      const extension = extname(req.name);
      if (extension.length > MAX_EXTENSION) {
        throw argsError(`name: its extension is longer than ${MAX_EXTENSION} characters`);
      }
      const key = absolute ? req.name : `openim/direct/${day}/${ctx.opUserID}/${randomUUID()}${extension}`;
      const lifeMs = ctx.opAdmin && req.millisecond > 0 ? req.millisecond : FORM_EXPIRES_MS;
      const expires = new Date(Date.now() + lifeMs);
      const { name, size, contentType, group } = req;
      await space.checkOpen(ctx);
      const id = await space.open(ctx, { kind: 'form', key, storageId: '', size });
      const form = await blob.presignPost(ctx.tenant, key, size, servedAs(contentType), expires);
      const facts: Form = { id, name, size, contentType, group, key, userID: ctx.opUserID };
      return make('third.InitiateFormDataResp', {
        id: seal('form', facts, secretOf(ctx)),
        url: form.url,
        file: 'file',
        formData: { ...form.fields },
        expires: expires.getTime(),
        successCodes: [200, 204],
      });
    },

    async completeFormData(ctx, req) {
      const facts = unseal('form', req.id, secretsOf(ctx));
      if (facts === undefined) throw argsError('id was not issued by initiate_form_data');
      const { id, name, size, contentType, group, key, userID } = facts as Form;
      if (!ctx.opAdmin && userID !== ctx.opUserID) {
        throw new ImError(
          ERR.NoPermissionError,
          'only the user themself or an administrator completes an upload',
        );
      }
      checkWritableName(ctx, name);
      const put = await blob.stat(ctx.tenant, key);
      if (put.size !== size)
        throw new ImError(ERR.DataError, `size mismatching: ${put.size} instead of ${size}`);
      if (!(await space.take(ctx, id))) {
        // The answer to the first request may have been lost.
        const named = await objects.get(ctx.tenant, name);
        if (named?.key === key) {
          return make('third.CompleteFormDataResp', { url: objectUrl(req.urlPrefix, name) });
        }
        throw new ImError(ERR.FileUploadedExpiredError, 'the upload has ended or was left open too long');
      }
      const before = await objects.put(ctx.tenant, {
        name,
        userID: ctx.opUserID,
        hash: '',
        key,
        size,
        contentType,
        group,
        createTime: Date.now(),
      });
      await space.replaced(ctx, before, key);
      // An administrator has posted to an absolute key again.
      if (before?.key === key) await thumbnails.forget(ctx.tenant, key);
      return make('third.CompleteFormDataResp', { url: objectUrl(req.urlPrefix, name) });
    },
  };
}
