import { KUBERNETES_COOKIE } from '@im/admin-api';
import type { FastifyRequest } from 'fastify';
import type { ConsoleCaller } from '../../admin/console-caller.ts';
import { cookieName, cookieOf } from '../../console-session.ts';
import { sealText, unsealText } from '../sealing.ts';

const PURPOSE = 'openim console kubernetes token';
/** Longer ones are not ours. */
const MAX_SEALED = 4_096;
const SECOND_MS = 1_000;

function cookie(value: string, lifeMs: number, path: string): string {
  const age = Math.max(0, Math.floor(lifeMs / SECOND_MS));
  const name = cookieName(KUBERNETES_COOKIE, path);
  return `${name}=${value}; Path=/; Max-Age=${age}; Secure; HttpOnly; SameSite=Strict`;
}

/**
 * The `Set-Cookie` header of a token for Kubernetes. Sealed with the key of the session, it is of no use without it, and
 * no longer than it.
 * @param path of the console
 */
export function tokenCookie(token: string, { key, session }: ConsoleCaller, path: string): string {
  return cookie(sealText(token, key, PURPOSE), session.expireTime - Date.now(), path);
}

/** The header that takes the cookie away. @param path of the console */
export function noTokenCookie(path: string): string {
  return cookie('', 0, path);
}

/** The token that the browser of a session has; undefined without one, and for one of another session. */
export function tokenOf(request: FastifyRequest, { key }: ConsoleCaller, path: string): string | undefined {
  const sealed = cookieOf(request, cookieName(KUBERNETES_COOKIE, path)) ?? '';
  return sealed.length > MAX_SEALED ? undefined : unsealText(sealed, key, PURPOSE);
}
