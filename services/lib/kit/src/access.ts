import { ERR, ImError } from '@im/protocol';
import type { CallContext } from './context.ts';

/** The caller must be this user or an administrator. @throws ImError 1002. */
export function requireSelf(ctx: CallContext, userID: string): void {
  if (!ctx.opAdmin && (ctx.opUserID === '' || ctx.opUserID !== userID)) {
    throw new ImError(ERR.NoPermissionError, 'only the user themself or an administrator may do this');
  }
}

/** The caller must be an administrator. @throws ImError 1002. */
export function requireAdmin(ctx: CallContext): void {
  if (!ctx.opAdmin) throw new ImError(ERR.NoPermissionError, 'only an administrator may do this');
}
