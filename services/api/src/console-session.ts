import { CONSOLE_COOKIE, CONSOLE_HEADER, type ConsoleRole, type ConsoleSession } from '@im/admin-api';
import { DEFAULT_CONSOLE_PATH } from '@im/contract';
import type { CallContext, FailedAttempts } from '@im/kit';
import { type auth, ERR, ImError, make } from '@im/protocol';
import type { RpcRegistry } from '@im/rpc';
import type { FastifyRequest } from 'fastify';
import type { ConsoleCaller } from './admin/console-caller.ts';
import { tooManyAttempts } from './token-gate.ts';

/** Requests of these methods change nothing. */
const SAFE: readonly string[] = ['GET', 'HEAD', 'OPTIONS'];
/** Keys are 32 bytes in base64url. */
const KEY = /^[A-Za-z0-9_-]{43}$/;

/** The value of a cookie, when the request has it once. */
export function cookieOf({ headers }: FastifyRequest, name: string): string | undefined {
  const values = (headers.cookie ?? '')
    .split(';')
    .map((pair) => pair.trim().split('='))
    .filter(([key]) => key === name)
    .map(([, value = '']) => value);
  return values.length === 1 ? values[0] : undefined;
}

function hostOf(origin: string): string | undefined {
  try {
    return new URL(origin).host;
  } catch {
    return undefined;
  }
}

/**
 * Whether a page of this origin sent the request: it carries a header that forms cannot set and no other origin may,
 * and what changes something also has an `Origin` that is the host of the request.
 */
export function isOfOwnPage({ headers, method }: FastifyRequest): boolean {
  if (headers[CONSOLE_HEADER] !== '1') return false;
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin') return false;
  const { origin } = headers;
  if (origin === undefined) return SAFE.includes(method);
  return hostOf(origin) === headers.host;
}

/** What the API answers about a session. */
export function sessionOf(session: auth.ConsoleSession): ConsoleSession {
  const { sessionID, name, grants, createTime, expireTime, seenTime, address } = session;
  return {
    ...{ sessionID, name, createTime, expireTime, seenTime, address },
    grants: grants.map(({ tenant, role }) => ({ tenant, role: role as ConsoleRole })),
  };
}

/**
 * Name of a cookie of the console at a path. Browsers send it to all of the host, since `__Host-` allows no path: consoles
 * of one host have cookies of different names.
 */
export function cookieName(name: string, path: string): string {
  return path === DEFAULT_CONSOLE_PATH ? name : `${name}-${path.slice(1, -1).replaceAll('/', '_')}`;
}

/**
 * The `Set-Cookie` header of a session. @param key empty: removes the cookie
 * @param path of the console
 */
export function sessionCookie(key: string, lifeMs: number, path: string): string {
  const age = key === '' ? 0 : Math.floor(lifeMs / 1_000);
  return `${cookieName(CONSOLE_COOKIE, path)}=${key}; Path=/; Max-Age=${age}; Secure; HttpOnly; SameSite=Strict`;
}

/** Dependencies of {@link consoleCaller}. */
export interface ConsoleCallerDeps {
  readonly rpc: Pick<RpcRegistry, 'client'>;
  readonly attempts: FailedAttempts;
  readonly address: string;
  /** Path of the console. */
  readonly path: string;
  /** Whether the request is an act of the user. */
  readonly active: boolean;
}

/**
 * The key that the browser sent, whether it proves a session or not.
 * @param path of the console
 */
export function consoleKey(request: FastifyRequest, path: string): string | undefined {
  const key = cookieOf(request, cookieName(CONSOLE_COOKIE, path));
  return key !== undefined && KEY.test(key) ? key : undefined;
}

/**
 * The session of the console that sends a request; undefined for a request of no console.
 * @throws ImError 1507 when it has ended, 1002 for a request of another origin, 429 after too many failures.
 */
export async function consoleCaller(
  ctx: CallContext,
  request: FastifyRequest,
  { rpc, attempts, address, path, active }: ConsoleCallerDeps,
): Promise<ConsoleCaller | undefined> {
  if (request.headers[CONSOLE_HEADER] === undefined) return undefined;
  if (!isOfOwnPage(request))
    throw new ImError(ERR.NoPermissionError, 'the request comes from another origin than the console');
  const key = consoleKey(request, path);
  if (key === undefined) throw notLoggedIn();
  if (!attempts.allows(ctx.tenant, address)) throw tooManyAttempts('tokens');
  const found = await rpc
    .client('auth')
    .useConsoleSession(ctx, make('auth.UseConsoleSessionReq', { key, active }));
  if (!found.session) {
    attempts.failed(ctx.tenant, address);
    throw notLoggedIn();
  }
  return { key, session: sessionOf(found.session) };
}

function notLoggedIn(): ImError {
  return new ImError(
    ERR.TokenNotExistError,
    'there is no session, or it has ended: get a login link by `openimctl console login`',
  );
}
