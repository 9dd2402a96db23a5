import { TENANT_EXPORT_KINDS, type TenantExportLine } from '@im/admin-api';
import { type CallContext, sleep } from '@im/kit';
import { argsError, make } from '@im/protocol';
import type { RpcRegistry } from '@im/rpc';

/** How an export asks. */
export interface TenantExportOf {
  readonly rpc: Pick<RpcRegistry, 'client'>;
  /** A context of one call. */
  readonly call: () => CallContext;
  readonly signal?: AbortSignal | undefined;
}

/** Longest pause after a page, ms. */
const MAX_PAUSE_MS = 1_000;

/** Kind and position of a cursor, which {@link tenantExportLines} made. @throws ImError 1001. */
function placeOf(cursor: string): { readonly first: number; readonly position: string } {
  if (cursor === '') return { first: 0, position: '' };
  const [, kind, position = ''] = /^(\d) ([-\w]*)$/.exec(cursor) ?? [];
  if (kind === undefined || Number(kind) > TENANT_EXPORT_KINDS.length)
    throw argsError('cursor must be that of a line of an export of a tenant');
  return { first: Number(kind), position };
}

/**
 * What is stored of a tenant, line by line: nothing is held but one page. After each page it pauses for as long as the page
 * took, so that an export uses at most half of the time of one search.
 * @param cursor of the line to go on after, not opaque; empty for the beginning
 */
export async function* tenantExportLines(
  { rpc, call, signal }: TenantExportOf,
  { limit, cursor, since }: { readonly limit: number; readonly cursor: string; readonly since: number },
): AsyncGenerator<TenantExportLine, void> {
  const { first, position } = placeOf(cursor);
  let lines = 0;
  for (const [i, kind] of TENANT_EXPORT_KINDS.entries()) {
    if (i < first) continue;
    let after = i === first ? position : '';
    for (;;) {
      const startedAt = performance.now();
      const request = make('third.GetTenantExportReq', { kind, after, since });
      const { entries, next } = await rpc.client('third').getTenantExport(call(), request);
      for (const entry of entries) {
        if (lines++ >= limit) return;
        yield { kind, cursor: `${i} ${entry.position}`, data: JSON.parse(entry.json) };
      }
      if (next === '') break;
      if (entries.length === 0) {
        if (lines++ >= limit) return;
        yield { kind: 'progress', cursor: `${i} ${next}`, data: {} };
      }
      after = next;
      await sleep(Math.min(MAX_PAUSE_MS, performance.now() - startedAt), signal);
    }
  }
  yield { kind: 'end', cursor: `${TENANT_EXPORT_KINDS.length} `, data: {} };
}
