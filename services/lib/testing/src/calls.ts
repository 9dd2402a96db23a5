import assert from 'node:assert/strict';
import type { TenantId } from '@im/contract';
import { type CallContext, systemContext, withCaller } from '@im/kit';
import { ImError } from '@im/protocol';

/** The call of a user, or of an administrator. */
export function as(
  tenant: TenantId,
  opUserID: string,
  opAdmin = false,
  options?: { readonly timeoutMs?: number },
): CallContext {
  return withCaller(systemContext(tenant, 'op', options), { opUserID, opPlatformID: 5, opAdmin });
}

/** The call must be refused with this code. */
export async function refuses(code: number, call: Promise<unknown>): Promise<void> {
  await assert.rejects(call, (error) => {
    assert.ok(error instanceof ImError, String(error));
    assert.equal(error.code, code, error.message);
    return true;
  });
}

/** The code that a call fails with; 0 when it succeeds. @throws what is not an ImError. */
export async function codeOf(call: Promise<unknown>): Promise<number> {
  try {
    await call;
    return 0;
  } catch (error) {
    if (error instanceof ImError) return error.code;
    throw error;
  }
}
