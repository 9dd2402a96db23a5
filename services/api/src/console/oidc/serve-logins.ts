import type { Metrics } from '@im/kit';
import { withCaller } from '@im/kit';
import { callFields, type Logger } from '@im/process';
import { ERR, ImError, make } from '@im/protocol';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { cookieName, cookieOf, sessionCookie } from '../../console-session.ts';
import type { Entrance } from '../../entrance.ts';
import { noTokenCookie } from '../kubernetes/token-cookie.ts';
import type { ConsoleLogins } from '../logins.ts';
import { type Identity, LOGIN_MS, LoginError, type LoginFailure } from './identity-provider.ts';
import { seal, unseal } from './transaction.ts';

/** Dependencies of {@link serveLogins}. */
export interface LoginServerDeps {
  readonly logins: ConsoleLogins;
  readonly entrance: Entrance;
  /** Of the console. */
  readonly path: string;
  readonly metrics: Metrics;
  readonly log: Logger;
}

/** Of a login that was started in this browser. */
const COOKIE = '__Host-im_console_login';
const MAX_COOKIE = 4_096;
/** Exchanges with providers at once; each waits for the provider. */
const MOST_EXCHANGES = 50;

/** Lax: the browser comes back from another site. */
function cookie(name: string, value: string): string {
  const age = value === '' ? 0 : LOGIN_MS / 1_000;
  return `${name}=${value}; Path=/; Max-Age=${age}; Secure; HttpOnly; SameSite=Lax`;
}

/** Whether a page of another site led the browser here. */
function isFromElsewhere({ headers }: FastifyRequest): boolean {
  const site = headers['sec-fetch-site'];
  return site !== undefined && site !== 'same-origin' && site !== 'none';
}

/** Serves the way to the identity providers and back. Failures lead to the console, which says what is wrong. */
export function serveLogins(app: FastifyInstance, deps: LoginServerDeps): void {
  const { logins, entrance, path, log } = deps;
  const cookieKey = cookieName(COOKIE, path);
  const ended = deps.metrics.counter(
    'openim_console_logins_total',
    'Logins to the console by identity provider and how they ended',
    ['provider', 'outcome'],
  );
  let exchanges = 0;

  function lead(reply: FastifyReply, to: string): FastifyReply {
    return reply
      .code(302)
      .headers({ location: to, 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' })
      .send('');
  }

  function refuse(reply: FastifyReply, failure: LoginFailure | 'busy'): FastifyReply {
    return lead(reply, `${logins.consoleURL}#login-failed=${failure}`);
  }

  async function begin(request: FastifyRequest<{ Params: { name: string } }>, reply: FastifyReply) {
    const provider = logins.provider(request.params.name);
    if (!provider) return reply.code(404).send('there is no such provider\n');
    if (isFromElsewhere(request)) return lead(reply, logins.consoleURL);
    try {
      const { tenant } = entrance.anonymousCall(request);
      if (!entrance.allowsLogin(request)) return refuse(reply, 'busy');
      const { url, transaction } = await provider.begin();
      return lead(
        reply.header('set-cookie', cookie(cookieKey, seal(transaction, tenant.tokenSecret))),
        url.href,
      );
    } catch (error) {
      log.warn({ provider: provider.settings.name, err: error }, 'the login could not begin');
      return refuse(reply, 'unavailable');
    }
  }

  async function finish(request: FastifyRequest<{ Params: { name: string } }>, reply: FastifyReply) {
    const provider = logins.provider(request.params.name);
    if (!provider) return reply.code(404).send('there is no such provider\n');
    const { name } = provider.settings;
    // Whatever becomes of it, what was started ends here.
    reply.header('set-cookie', cookie(cookieKey, ''));
    if (exchanges >= MOST_EXCHANGES || !entrance.allowsLogin(request)) return refuse(reply, 'busy');
    exchanges++;
    try {
      const call = entrance.anonymousCall(request);
      const sealed = cookieOf(request, cookieKey) ?? '';
      const transaction =
        sealed.length > MAX_COOKIE ? undefined : unseal(sealed, call.tenant.tokenSecret, Date.now());
      if (transaction?.provider !== name)
        throw new LoginError('expired', 'no login with this provider was started in this browser');
      const identity = await provider.finish(new URLSearchParams(call.query), transaction);
      reply.header('set-cookie', [await open(request, identity, name), noTokenCookie(path)]);
      ended.inc({ provider: name, outcome: 'opened' });
      return lead(reply, logins.consoleURL);
    } catch (error) {
      const failure = error instanceof LoginError ? error.failure : 'unavailable';
      ended.inc({ provider: name, outcome: failure });
      if (failure !== 'unavailable') entrance.countFailedLink(request);
      log.warn({ provider: name, outcome: failure, err: error }, 'a login to the console was refused');
      return refuse(reply, error instanceof ImError && error.code === ERR.TooManyRequests ? 'busy' : failure);
    } finally {
      exchanges--;
    }
  }

  /** Opens a session; its cookie takes the place of one that the browser had. @returns the cookie. */
  async function open(request: FastifyRequest, identity: Identity, provider: string): Promise<string> {
    const call = entrance.anonymousCall(request);
    const [opUserID = ''] = call.tenant.adminUserIDs;
    const operationID = entrance.requestID(request);
    const ctx = withCaller({ ...call.ctx, operationID }, { opUserID, opPlatformID: 0, opAdmin: true });
    const { name, subject, idToken, grants } = identity;
    const granted = make('auth.GrantConsoleSessionReq', {
      ...{ name, provider, subject, idToken, address: entrance.addressOf(request) },
      grants: grants.map((grant) => make('auth.ConsoleGrant', grant)),
    });
    const { key, session } = await call.rpc.client('auth').grantConsoleSession(ctx, granted);
    log.info({ ...callFields(ctx), provider, name }, 'logged in to the console');
    return sessionCookie(key, (session?.expireTime ?? 0) - Date.now(), path);
  }

  // No tenant, whose pages are below <path><tenant>/, has such a name.
  app.get(`${path}_login/:name`, begin);
  app.get(`${path}_login/:name/back`, finish);
}
