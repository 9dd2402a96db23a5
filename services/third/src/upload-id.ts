import { argsError } from '@im/protocol';
import { seal, unseal } from './seal.ts';

/** What an upload id says; clients hand it back unread. */
export interface Upload {
  /** How the bytes travel. */
  readonly kind: 'multipart' | 'single';
  /** Name of the upload among those that are open; those begun before version 0.2 have none. */
  readonly id?: string;
  /** The storage's own id of a multipart upload. */
  readonly storageId: string;
  /** Where the bytes go first. */
  readonly key: string;
  readonly size: number;
  /** MD5 hex over the comma-joined MD5s of the parts. */
  readonly hash: string;
  readonly userID: string;
}

/** The id of an upload: its facts and a seal, so that nobody names another key. */
export function encodeUploadId(upload: Upload, secret: string): string {
  return seal('upload', upload, secret);
}

/** The upload of an id. @throws ImError 1001 for an id that was not made with this secret. */
export function decodeUploadId(id: string, secret: string): Upload {
  const upload = unseal('upload', id, secret);
  if (upload === undefined) throw argsError('uploadID is not one of ours');
  return upload as Upload;
}
