import { createHash, randomUUID } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { TEMP_PREFIX } from '@im/blob';
import { acceptedTokenSecrets } from '@im/contract';
import { type CallContext, md5Hex } from '@im/kit';
import { argsError, ERR, ImError, make, type third } from '@im/protocol';
import type { ThirdDeps, ThirdMethods } from '../deps.ts';
import { servedAs } from '../objects/content-type.ts';
import { checkWritableName, objectUrl } from '../objects/object-name.ts';
import { partCount, partSizeOf } from '../objects/part-plan.ts';
import { decodeUploadId, encodeUploadId, type Upload } from '../objects/sealed-id.ts';
import { tenantOf } from '../objects/upload-space.ts';

const SIGN_EXPIRES_S = 24 * 3600;
const HOUR_MS = 3600 * 1000;
const DIFFERENT = 'parts: md5 mismatching, the stored bytes differ';
/** Most URLs of one answer; `authSign` returns the others. */
const MAX_SIGNED = 1_000;
/** Parts signed in one turn of the event loop. */
const SIGNED_PER_TURN = 50;

/** Key of an object's bytes, which are kept once for all names of the object. */
function contentKey(hash: string): string {
  return `openim/data/hash/${hash}`;
}

function signPart(partNumber: number, url: string): third.SignPart {
  return make('third.SignPart', { partNumber, url });
}

/** The ETag that S3 gives to an object made of these parts, when ETags are MD5s. */
function multipartEtag(parts: readonly string[]): string {
  const sums = Buffer.concat(parts.map((part) => Buffer.from(part, 'hex')));
  return `${createHash('md5').update(sums).digest('hex')}-${parts.length}`;
}

/** Uploads in parts or in one piece, by URLs that clients put to directly. */
export function multipartUploadMethods({
  blob,
  objects,
  tenants,
  space,
  uploadHours,
}: ThirdDeps): ThirdMethods<'initiateMultipartUpload' | 'authSign' | 'completeMultipartUpload'> {
  const secretOf = (ctx: CallContext) => tenantOf(ctx, tenants).tokenSecret;
  const secretsOf = (ctx: CallContext) => acceptedTokenSecrets(tenantOf(ctx, tenants), Date.now());

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
    const key = contentKey(object.hash);
    const named = { ...object, key, userID: ctx.opUserID, createTime: Date.now() };
    await space.replaced(ctx, await objects.put(ctx.tenant, named), key);
  }

  /** URLs for these parts, each for the bytes that it has. */
  async function sign(
    ctx: CallContext,
    upload: Upload,
    numbers: readonly number[],
  ): Promise<third.SignPart[]> {
    const { key, storageId, size } = upload;
    const partSize = partSizeOf(size);
    const count = partCount(size, partSize);
    const signed: third.SignPart[] = [];
    for (const number of numbers) {
      if (number < 1 || number > count) throw argsError(`partNumbers: ${number} is not 1 to ${count}`);
      const part = { number, size: number < count ? partSize : size - (count - 1) * partSize };
      const url = await blob.presignPart(ctx.tenant, key, storageId, part, SIGN_EXPIRES_S);
      signed.push(signPart(number, url));
      // Other requests get their turn.
      if (signed.length % SIGNED_PER_TURN === 0) await nextTurn();
    }
    return signed;
  }

  async function begin(ctx: CallContext, req: third.InitiateMultipartUploadReq, partSize: number) {
    const count = partCount(req.size, partSize);
    const { hash, size } = req;
    const userID = ctx.opUserID;
    await space.checkOpen(ctx);
    if (count === 1) {
      const hour = new Date().toISOString().slice(0, 13).replace(/[-T]/g, '/');
      const key = `${TEMP_PREFIX}${hour}/${hash}_${size}_${randomUUID()}`;
      const id = await space.open(ctx, { kind: 'single', key, storageId: '', size });
      const upload: Upload = { kind: 'single', id, storageId: '', key, size, hash, userID };
      return { upload, parts: [signPart(1, await blob.presignPut(ctx.tenant, key, size, SIGN_EXPIRES_S))] };
    }
    const key = contentKey(hash);
    const storageId = await blob.createMultipart(ctx.tenant, key, servedAs(req.contentType));
    let id: string;
    try {
      id = await space.open(ctx, { kind: 'multipart', key, storageId, size });
    } catch (error) {
      // Without a record, nothing would end it.
      await blob.abortMultipart(ctx.tenant, key, storageId);
      throw error;
    }
    const upload: Upload = { kind: 'multipart', id, storageId, key, size, hash, userID };
    const signed = Math.min(count, MAX_SIGNED, req.maxParts < 0 ? count : req.maxParts);
    const numbers = Array.from({ length: signed }, (_, i) => i + 1);
    return { upload, parts: await sign(ctx, upload, numbers) };
  }

  /** Joins the parts. @throws ImError 1001 when they are not the bytes that were announced. */
  async function join(ctx: CallContext, upload: Upload, parts: readonly string[]): Promise<void> {
    const { key, storageId, size } = upload;
    const etags = parts.map((etag, i) => ({ partNumber: i + 1, etag }));
    await blob.completeMultipart(ctx.tenant, key, storageId, etags);
    const made = await blob.stat(ctx.tenant, key);
    const differs = made.etag.includes('-') && made.etag !== multipartEtag(parts);
    if (made.size === size && !differs) return;
    await blob.remove(ctx.tenant, key);
    if (differs) throw argsError(DIFFERENT);
    throw argsError(`size mismatching: ${made.size} bytes were put instead of ${size}`);
  }

  /** Moves what was put to the key of its content; exactly the bytes whose ETag was compared. */
  async function move(
    ctx: CallContext,
    upload: Upload,
    etag: string | undefined,
    contentType: string,
  ): Promise<void> {
    const put = await blob.stat(ctx.tenant, upload.key);
    if (put.size !== upload.size) {
      throw argsError(`size mismatching: ${put.size} bytes were put instead of ${upload.size}`);
    }
    if (put.etag !== etag) throw argsError(DIFFERENT);
    const key = contentKey(upload.hash);
    await blob.copy(ctx.tenant, upload.key, key, put.etag, servedAs(contentType));
    // A storage that ignores the condition may have copied what was put there meanwhile.
    if ((await blob.stat(ctx.tenant, key)).etag === put.etag) return;
    await blob.remove(ctx.tenant, key);
    throw argsError(DIFFERENT);
  }

  return {
    async initiateMultipartUpload(ctx, req) {
      checkWritableName(ctx, req.name);
      if (!/^[0-9a-f]{32}$/.test(req.hash)) throw argsError('hash must be 32 lower-case hex digits');
      const partSize = partSizeOf(req.size);
      space.checkSize(ctx, req.size);
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
          expireTime: Date.now() + uploadHours * HOUR_MS,
        }),
      });
    },

    async authSign(ctx, req) {
      const upload = decodeUploadId(req.uploadID, secretsOf(ctx));
      if (upload.kind === 'single')
        throw argsError('uploadID: this upload has one part, signed at its start');
      if (req.partNumbers.length > MAX_SIGNED) {
        throw argsError(
          `partNumbers: ${req.partNumbers.length} are more than ${MAX_SIGNED}; ask for them in turn`,
        );
      }
      return make('third.AuthSignResp', { parts: await sign(ctx, upload, req.partNumbers) });
    },

    async completeMultipartUpload(ctx, req) {
      checkWritableName(ctx, req.name);
      const upload = decodeUploadId(req.uploadID, secretsOf(ctx));
      if (md5Hex(req.parts.join(',')) !== upload.hash) {
        throw argsError('parts: md5 mismatching, they do not make up the hash of the upload');
      }
      const { hash, size, id } = upload;
      const there = (await stored(ctx, hash))?.size === size;
      const open = id === undefined || (await space.isOpen(ctx, id));
      if (!open && !there) {
        throw new ImError(
          ERR.FileUploadedExpiredError,
          `the upload was left open for more than ${uploadHours} hours: begin it again`,
        );
      }
      if (!there) {
        if (upload.kind === 'multipart') await join(ctx, upload, req.parts);
        else await move(ctx, upload, req.parts[0], req.contentType);
      }
      await name(ctx, { name: req.name, hash, size, contentType: req.contentType, group: req.cause });
      // Named first, so that the bytes are not removed as left over; this decides only what is counted.
      const ended = id !== undefined && (await space.take(ctx, id));
      if (ended && there) await space.release(ctx, size);
      if (upload.kind === 'single') await blob.remove(ctx.tenant, upload.key);
      else if (there) await blob.abortMultipart(ctx.tenant, upload.key, upload.storageId);
      return make('third.CompleteMultipartUploadResp', { url: objectUrl(req.urlPrefix, req.name) });
    },
  };
}
