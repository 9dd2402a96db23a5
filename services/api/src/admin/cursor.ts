import { argsError } from '@im/protocol';

/** Cursors are opaque: what a domain needs for its next page, not to be read or made by clients. */
export function opaque(cursor: string): { readonly nextCursor?: string } {
  return cursor === '' ? {} : { nextCursor: Buffer.from(cursor).toString('base64url') };
}

/** What a domain gave to {@link opaque}; empty for the first page. @throws ImError 1001. */
export function fromOpaque(cursor: string | undefined): string {
  if (cursor === undefined) return '';
  const text = Buffer.from(cursor, 'base64url').toString();
  if (text === '' || Buffer.from(text).toString('base64url') !== cursor)
    throw argsError('cursor must be the nextCursor of the page before');
  return text;
}
