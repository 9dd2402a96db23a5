import { createHmac, timingSafeEqual } from 'node:crypto';
import { argsError } from '@im/protocol';

/** Purpose of a sealed text; one of a kind never passes for one of another. */
export type SealKind = 'upload' | 'form';

function sealOf(kind: SealKind, text: string, secret: string): string {
  return createHmac('sha256', `${kind}:${secret}`).update(text).digest('base64url');
}

/** Facts that a client returns unread, as a text with a MAC, so that it cannot change them. */
export function seal(kind: SealKind, facts: object, secret: string): string {
  const text = JSON.stringify(facts);
  return Buffer.from(JSON.stringify([text, sealOf(kind, text, secret)])).toString('base64');
}

/** The facts of a sealed text; undefined for one that was not made with this kind and one of these secrets. */
export function unseal(kind: SealKind, sealed: string, secrets: readonly string[]): unknown {
  try {
    const [text, given] = JSON.parse(Buffer.from(sealed, 'base64').toString('utf8')) as [string, string];
    const found = Buffer.from(given);
    const isSealed = secrets.some((secret) => {
      const wanted = Buffer.from(sealOf(kind, text, secret));
      return found.length === wanted.length && timingSafeEqual(found, wanted);
    });
    return isSealed ? JSON.parse(text) : undefined;
  } catch {
    return undefined;
  }
}

/** Content of an upload id, which clients return unread. */
export interface Upload {
  /** In parts, or by one PUT. */
  readonly kind: 'multipart' | 'single';
  /** Name of the upload among those that are open; those of versions before 0.2 have none. */
  readonly id?: string;
  /** The storage's own id of a multipart upload. */
  readonly storageId: string;
  /** Key that the bytes are put to. */
  readonly key: string;
  readonly size: number;
  /** MD5 hex over the comma-joined MD5s of the parts. */
  readonly hash: string;
  readonly userID: string;
}

/** The id of an upload: its facts and a MAC, so that clients cannot name another key. */
export function encodeUploadId(upload: Upload, secret: string): string {
  return seal('upload', upload, secret);
}

/** The upload of an id. @throws ImError 1001 for an id that was not made with one of these secrets. */
export function decodeUploadId(id: string, secrets: readonly string[]): Upload {
  const upload = unseal('upload', id, secrets);
  if (upload === undefined) throw argsError('uploadID was not issued by initiate_multipart_upload');
  return upload as Upload;
}
