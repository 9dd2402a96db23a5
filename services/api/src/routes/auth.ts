import { between, text } from '../field-rules.ts';
import { rpcRoute } from '../rpc-route.ts';

/** Tokens, docs/protocol/http.md. */
export const authRoutes = [
  rpcRoute('/auth/get_admin_token', 'auth', 'getAdminToken', { access: 'open', rules: [text('userID')] }),
  rpcRoute('/auth/get_user_token', 'auth', 'getUserToken', { admin: true, access: 'issue' }),
  rpcRoute('/auth/parse_token', 'auth', 'parseToken', {
    access: 'open',
    rules: [text('token')],
  }),
  rpcRoute('/auth/force_logout', 'auth', 'forceLogout', {
    admin: true,
    rules: [between('platformID', 1, 10), text('userID')],
  }),
];
