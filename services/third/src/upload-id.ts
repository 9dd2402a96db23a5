import { createHmac, timingSafeEqual } from 'node:crypto';
import { argsError } from '@im/protocol';

/** What an upload id says; clients hand it back unread. */
export interface Upload {
  /** How the bytes travel. */
  readonly kind: 'multipart' | 'single';
  /** The storage's own id of a multipart upload. */
  readonly storageId: string;
  /** Where the bytes go first. */
  readonly key: string;
  readonly size: number;
  /** MD5 hex over the comma-joined MD5s of the parts. */
  readonly hash: string;
  readonly userID: string;
}

function seal(text: string, secret: string): string {
  return createHmac('sha256', `upload:${secret}`).update(text).digest('base64url');
}

/** The id of an upload: its facts and a seal, so that nobody names another key. */
export function encodeUploadId(upload: Upload, secret: string): string {
  const text = JSON.stringify(upload);
  return Buffer.from(JSON.stringify([text, seal(text, secret)])).toString('base64');
}

/** The upload of an id. @throws ImError 1001 for an id that was not made with this secret. */
export function decodeUploadId(id: string, secret: string): Upload {
  try {
    const [text, given] = JSON.parse(Buffer.from(id, 'base64').toString('utf8')) as [string, string];
    const wanted = seal(text, secret);
    if (given.length === wanted.length && timingSafeEqual(Buffer.from(given), Buffer.from(wanted))) {
      return JSON.parse(text) as Upload;
    }
  } catch {
    // Falls through to the one answer for every malformed id.
  }
  throw argsError('uploadID is not one of ours');
}
