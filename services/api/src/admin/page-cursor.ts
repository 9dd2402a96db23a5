import { argsError, make } from '@im/protocol';
import { fromOpaque, opaque } from './cursor.ts';

/** A page of a domain that counts pages. */
export interface CountedPage {
  readonly pagination: { readonly pageNumber: number; readonly showNumber: number };
  /** The cursor of the next page, where there is one. */
  next(total: number): { readonly nextCursor?: string };
}

/** Pages by number under opaque cursors. @throws ImError 1001 for the cursor of a page of another length. */
export function countedPage(limit: number, cursor: string | undefined): CountedPage {
  const text = fromOpaque(cursor);
  const [, size, number] = /^(\d{1,6}) (\d{1,9})$/.exec(text) ?? [];
  if (text !== '' && Number(size) !== limit)
    throw argsError('cursor is that of another limit: keep limit from page to page');
  const pageNumber = Number(number ?? 1);
  return {
    pagination: make('sdkws.RequestPagination', { pageNumber, showNumber: limit }),
    next: (total) => opaque(pageNumber * limit < total ? `${limit} ${pageNumber + 1}` : ''),
  };
}
