import { requireAdmin } from '@im/kit';
import { argsError, decode, make, toJson } from '@im/protocol';
import { STORED_KINDS, type TenantExportRepo } from '@im/store';
import type { ThirdDeps, ThirdMethods } from '../deps.ts';

/** What administrators get of all that is stored of their tenant. */
export function tenantExportMethods({
  exports,
}: Pick<ThirdDeps, 'exports'>): ThirdMethods<'getTenantExport'> {
  return {
    async getTenantExport(ctx, { kind: asked, after, since }) {
      requireAdmin(ctx);
      const kind = STORED_KINDS.find((each) => each === asked);
      if (!kind) throw argsError(`kind must be one of ${STORED_KINDS.join(', ')}`);
      const query = { kind, after: decoded(after), since: Math.max(0, since) };
      const { lines, next } = await exports.page(ctx.tenant, query);
      const entries = lines.map(({ position, key, fields }) =>
        make('third.TenantExportEntry', {
          position: encoded(position),
          json: JSON.stringify(kind === 'message' ? messageOf(key, fields) : fields),
        }),
      );
      return make('third.GetTenantExportResp', { entries, next: next === undefined ? '' : encoded(next) });
    },
  };
}

/** Positions are parts of keys, with separators that no text of a request may have. */
const encoded = (position: string) => Buffer.from(position).toString('base64url');
const decoded = (position: string) => Buffer.from(position, 'base64url').toString();

type Fields = Awaited<ReturnType<TenantExportRepo['page']>>['lines'][number]['fields'];

/** A message as OpenIM has it in JSON, its content as text, with what became of it. */
function messageOf(
  [conversationID = '', seq = '']: readonly string[],
  { d, lt, rv, del, rd, x, s, r, ct, st }: Fields,
): object {
  const stored = (d as { readonly buffer: Uint8Array } | undefined)?.buffer;
  const message = stored && decode('sdkws.MsgData', stored);
  const content = message && Buffer.from(message.content).toString();
  const known = message
    ? { ...(JSON.parse(toJson('sdkws.MsgData', message)) as object), content }
    : { sendID: s, recvID: r, contentType: ct, sendTime: st };
  return {
    conversationID,
    ...known,
    // Keys have seqs with leading zeros.
    seq: Number(seq),
    storedTime: lt,
    ...(rv === undefined ? {} : { revoked: rv }),
    ...(del === undefined ? {} : { deletedFor: del }),
    ...(rd === true ? { isRead: true } : {}),
    ...(x === true ? { removed: true } : {}),
  };
}
