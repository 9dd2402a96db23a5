import { type BackendToken, createBackendToken, listBackendTokens, revokeBackendToken } from '@im/admin-api';
import { type auth, make } from '@im/protocol';
import { type AdminRoute, adminRoute } from '../admin-route.ts';
import { fromOpaque, opaque } from '../cursor.ts';

function tokenOf(token: auth.BackendToken | undefined | null): BackendToken {
  const { tokenID, role, description, adminUserID, createTime, expireTime, revokeTime } =
    token ?? make('auth.BackendToken');
  return {
    ...{ tokenID, role, description, adminID: adminUserID, createTime, expireTime },
    ...(revokeTime !== 0 && { revokeTime }),
  };
}

/** Tokens of backends. */
export const tokenRoutes: readonly AdminRoute[] = [
  adminRoute(createBackendToken, 'auth.createBackendToken', async ({ ctx, rpc }, { body }) => {
    const { role, lifeSeconds, description } = body;
    const request = make('auth.CreateBackendTokenReq', { role, lifeSeconds, description });
    const { token, issued } = await rpc.client('auth').createBackendToken(ctx, request);
    return { token, issued: tokenOf(issued) };
  }),
  adminRoute(listBackendTokens, 'auth.searchBackendTokens', async ({ ctx, rpc }, { query }) => {
    const request = { limit: query.limit, cursor: fromOpaque(query.cursor) };
    const client = rpc.client('auth');
    const found = await client.searchBackendTokens(ctx, make('auth.SearchBackendTokensReq', request));
    return { tokens: found.tokens.map(tokenOf), ...opaque(found.cursor) };
  }),
  adminRoute(revokeBackendToken, 'auth.revokeBackendToken', async ({ ctx, rpc }, { params }) => {
    const request = make('auth.RevokeBackendTokenReq', params);
    const { ended } = await rpc.client('auth').revokeBackendToken(ctx, request);
    return { ended: tokenOf(ended) };
  }),
];
