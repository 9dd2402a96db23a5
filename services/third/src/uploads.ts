import { randomUUID } from 'node:crypto';
import type { Blob } from '@im/blob';
import { type CallContext, md5Hex, type TenantDirectory } from '@im/kit';
import { argsError, ERR, ImError, make, type third } from '@im/protocol';
import type { ObjectRepo } from '@im/store';
import { checkWritableName, objectUrl } from './object-name.ts';
import { PART_LIMIT, partCount, partSizeOf } from './part-plan.ts';
import { decodeUploadId, encodeUploadId, type Upload } from './upload-id.ts';

const SIGN_EXPIRES_S = 24 * 3600;
const UPLOAD_EXPIRES_MS = 7 * 24 * 3600 * 1000;

/** Parts of {@link uploads}. */
export interface UploadDeps {
  readonly blob: Blob;
  readonly objects: ObjectRepo;
  readonly tenants: TenantDirectory;
}

/** Key of an object's bytes: they are kept once, whatever they are called. */
function contentKey(hash: string): string {
  return `openim/data/hash/${hash}`;
}

function signPart(partNumber: number, url: string): third.SignPart {
  return make('third.SignPart', { partNumber, url });
}

/** Uploads in parts or in one piece, by URLs that clients put to directly. */
export function uploads({ blob, objects, tenants }: UploadDeps) {
  function secretOf(ctx: CallContext): string {
    const settings = tenants.get(ctx.tenant);
    if (!settings) throw new ImError(ERR.NetworkError, `tenant ${ctx.tenant} is not known here yet`);
    return settings.tokenSecret;
  }

  async function stored(ctx: CallContext, hash: string): Promise<{ size: number } | undefined> {
    try {
      return await blob.stat(ctx.tenant, contentKey(hash));
    } catch (error) {
      if (error instanceof ImError && error.code === ERR.RecordNotFoundError) return undefined;
      throw error;
    }
  }

  async function name(
    ctx: CallContext,
    object: { name: string; hash: string; size: number; contentType: string; group: string },
  ): Promise<void> {
    await objects.put(ctx.tenant, {
      ...object,
      key: contentKey(object.hash),
      userID: ctx.opUserID,
      createTime: Date.now(),
    });
  }

  async function sign(
    ctx: CallContext,
    upload: Upload,
    partNumbers: readonly number[],
  ): Promise<third.SignPart[]> {
    return Promise.all(
      partNumbers.map(async (n) =>
        signPart(n, await blob.presignPart(ctx.tenant, upload.key, upload.storageId, n, SIGN_EXPIRES_S)),
      ),
    );
  }

  async function begin(ctx: CallContext, req: third.InitiateMultipartUploadReq, partSize: number) {
    const count = partCount(req.size, partSize);
    const { hash, size } = req;
    if (count === 1) {
      const key = `openim/temp/${new Date().toISOString().slice(0, 13).replace(/[-T]/g, '/')}/${hash}_${size}_${randomUUID()}`;
      const upload: Upload = { kind: 'single', storageId: '', key, size, hash, userID: ctx.opUserID };
      return { upload, parts: [signPart(1, await blob.presignPut(ctx.tenant, key, SIGN_EXPIRES_S))] };
    }
    const storageId = await blob.createMultipart(ctx.tenant, contentKey(hash), req.contentType);
    const upload: Upload = {
      kind: 'multipart',
      storageId,
      key: contentKey(hash),
      size,
      hash,
      userID: ctx.opUserID,
    };
    const signed = req.maxParts < 0 ? count : Math.min(count, req.maxParts);
    return {
      upload,
      parts: await sign(
        ctx,
        upload,
        Array.from({ length: signed }, (_, i) => i + 1),
      ),
    };
  }

  return {
    async initiate(
      ctx: CallContext,
      req: third.InitiateMultipartUploadReq,
    ): Promise<third.InitiateMultipartUploadResp> {
      checkWritableName(ctx, req.name);
      if (!/^[0-9a-f]{32}$/.test(req.hash)) throw argsError('hash must be 32 lower-case hex digits');
      const partSize = partSizeOf(req.size);
      const have = await stored(ctx, req.hash);
      if (have !== undefined && have.size === req.size) {
        const { hash, size, contentType } = req;
        await name(ctx, { name: req.name, hash, size, contentType, group: req.cause });
        return make('third.InitiateMultipartUploadResp', { url: objectUrl(req.urlPrefix, req.name) });
      }
      const { upload, parts } = await begin(ctx, req, partSize);
      return make('third.InitiateMultipartUploadResp', {
        upload: make('third.UploadInfo', {
          uploadID: encodeUploadId(upload, secretOf(ctx)),
          partSize,
          sign: parts.length === 0 ? null : make('third.AuthSignParts', { parts }),
          expireTime: Date.now() + UPLOAD_EXPIRES_MS,
        }),
      });
    },

    async authSign(ctx: CallContext, req: third.AuthSignReq): Promise<third.AuthSignResp> {
      const upload = decodeUploadId(req.uploadID, secretOf(ctx));
      if (upload.kind === 'single')
        throw new ImError(ERR.ServerInternalError, 'this upload has one part, signed at its start');
      const bad = req.partNumbers.find((n) => n < 1 || n > PART_LIMIT.maxNumSize);
      if (bad !== undefined) throw argsError(`partNumbers: ${bad} is not 1 to ${PART_LIMIT.maxNumSize}`);
      return make('third.AuthSignResp', { parts: await sign(ctx, upload, req.partNumbers) });
    },

    async complete(
      ctx: CallContext,
      req: third.CompleteMultipartUploadReq,
    ): Promise<third.CompleteMultipartUploadResp> {
      checkWritableName(ctx, req.name);
      const upload = decodeUploadId(req.uploadID, secretOf(ctx));
      if (md5Hex(req.parts.join(',')) !== upload.hash) {
        throw new ImError(
          ERR.ServerInternalError,
          'md5 mismatching: the parts do not make up the hash of the upload',
        );
      }
      const { hash, size } = upload;
      if (upload.kind === 'multipart') {
        const parts = req.parts.map((etag, i) => ({ partNumber: i + 1, etag }));
        await blob.completeMultipart(ctx.tenant, upload.key, upload.storageId, parts);
        const made = await blob.stat(ctx.tenant, upload.key);
        if (made.size !== size) {
          await blob.remove(ctx.tenant, upload.key);
          throw new ImError(ERR.ServerInternalError, `size mismatching: ${made.size} instead of ${size}`);
        }
      } else {
        const put = await blob.stat(ctx.tenant, upload.key);
        if (put.size !== size)
          throw new ImError(ERR.ServerInternalError, `size mismatching: ${put.size} instead of ${size}`);
        if (put.etag !== req.parts[0])
          throw new ImError(ERR.ServerInternalError, 'md5 mismatching: the stored bytes differ');
        await blob.copy(ctx.tenant, upload.key, contentKey(hash));
        await blob.remove(ctx.tenant, upload.key);
      }
      await name(ctx, { name: req.name, hash, size, contentType: req.contentType, group: req.cause });
      return make('third.CompleteMultipartUploadResp', { url: objectUrl(req.urlPrefix, req.name) });
    },
  };
}
