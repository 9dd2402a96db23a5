import { between, text } from '../field-rules.ts';
import { rpcRoute } from '../rpc-route.ts';

/** Tokens, docs/protocol/http.md. */
export const authRoutes = [
  rpcRoute('/auth/get_admin_token', 'auth', 'getAdminToken', { rules: [text('userID')] }),
  rpcRoute('/auth/get_user_token', 'auth', 'getUserToken', { admin: true }),
  rpcRoute('/auth/parse_token', 'auth', 'parseToken', { rules: [text('token')] }),
  rpcRoute('/auth/force_logout', 'auth', 'forceLogout', {
    admin: true,
    rules: [between('platformID', 1, 10), text('userID')],
  }),
];
