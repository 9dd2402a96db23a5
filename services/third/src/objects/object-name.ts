import type { CallContext } from '@im/kit';
import { argsError, ERR, ImError } from '@im/protocol';

const MAX_NAME_BYTES = 1024;

/**
 * Checks the name of an object that a caller writes: `<own userID>/…`, unless the caller is an administrator.
 * @throws ImError 1001 for a malformed name, 1002 for that of another user.
 */
export function checkWritableName(ctx: CallContext, name: string): void {
  if (name === '') throw argsError('name is empty');
  if (name.startsWith('/')) throw argsError('name must not start with /');
  if (Buffer.byteLength(name) > MAX_NAME_BYTES)
    throw argsError(`name is longer than ${MAX_NAME_BYTES} bytes`);
  if (!ctx.opAdmin && !name.startsWith(`${ctx.opUserID}/`)) {
    throw new ImError(ERR.NoPermissionError, `name must start with ${ctx.opUserID}/`);
  }
}

/** URL of an object below the prefix that the API was reached by. */
export function objectUrl(urlPrefix: string, name: string): string {
  return urlPrefix + name.split('/').map(encodeURIComponent).join('/');
}
