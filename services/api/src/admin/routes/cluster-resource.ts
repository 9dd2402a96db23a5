import { forgetClusterToken, getClusterResource, giveClusterToken } from '@im/admin-api';
import { argsError } from '@im/protocol';
import { type AdminCall, type AdminRoute, adminRoute } from '../admin-route.ts';
import { ExplainedError } from '../failure.ts';
import { requireOperator } from './cluster.ts';

/** Only sessions can keep a token; those of backends have nothing to seal it with. */
function requireSession({ console: caller, browser }: AdminCall): void {
  if (!caller) throw argsError('token is of no session: only pages of the console read the resource');
  requireOperator(browser);
}

/** The resource of the cluster, with the rights of those who look at it. */
export const clusterResourceRoutes: readonly AdminRoute[] = [
  adminRoute(getClusterResource, 'api.getClusterResource', async (call) => {
    requireSession(call);
    const token = call.browser.clusterToken();
    if (token === undefined) return { given: false };
    return { given: true, resource: await call.resource.read(token, call.ctx.signal) };
  }),
  adminRoute(giveClusterToken, 'api.giveClusterToken', async (call, { body: { token } }) => {
    requireSession(call);
    call.browser.requireAttempt();
    try {
      const resource = await call.resource.read(token);
      call.browser.keepClusterToken(token);
      return { resource };
    } catch (error) {
      if (error instanceof ExplainedError && error.kind === 'tokenRefused') call.browser.countFailedAttempt();
      throw error;
    }
  }),
  adminRoute(forgetClusterToken, 'api.forgetClusterToken', async (call) => {
    requireSession(call);
    call.browser.forgetClusterToken();
    return {};
  }),
];
