import { argsError, type sdkws } from '@im/protocol';

/** A part of a list: `skip` entries left out, at most `limit` returned; 0 returns none. */
export interface PageRange {
  readonly skip: number;
  readonly limit: number;
}

/** Largest page that is served. */
export const MAX_PAGE = 10_000;

/**
 * The part of a list that a request asks for. `showNumber` ≤ 0 is an empty page.
 * @throws ImError 1001 `pagination is empty`, `pageNumber is invalid`, or for a page above {@link MAX_PAGE}.
 */
export function pageRange(pagination: sdkws.RequestPagination | null): PageRange {
  if (pagination === null) throw argsError('pagination is empty');
  const { pageNumber, showNumber } = pagination;
  if (pageNumber < 1) throw argsError('pageNumber is invalid');
  if (showNumber > MAX_PAGE) throw argsError(`showNumber is larger than ${MAX_PAGE}`);
  const limit = Math.max(0, showNumber);
  return { skip: (pageNumber - 1) * limit, limit };
}
