import { PUSH_KINDS, type PushKind } from '@im/contract';

/** A registered token: what it is for, and the vendor's own token. */
export interface ParsedToken {
  readonly kind: PushKind;
  readonly token: string;
}

const PREFIX = new RegExp(`^(${PUSH_KINDS.join('|')}):`);
const BASE64URL = /^[A-Za-z0-9_-]+=*$/;
const HEX = /^(?:[0-9a-fA-F]{2}){32,100}$/;
/** Longest token of a vendor; subscriptions of browsers are the longest. */
const MAX_CHARS = 4_096;

/** Splits `<kind>:<token>`; a token without a known kind is one of FCM, whose tokens may have colons. */
export function parseToken(text: string): ParsedToken {
  const prefix = PREFIX.exec(text);
  return prefix
    ? { kind: prefix[1] as PushKind, token: text.slice(prefix[0].length) }
    : { kind: 'fcm', token: text };
}

/** A token as it is registered, with the prefix of its kind; those of FCM have none. */
export function tokenText({ kind, token }: ParsedToken): string {
  return kind === 'fcm' ? token : `${kind}:${token}`;
}

/** Whether a text names a kind of tokens. */
export function isPushKind(text: string): text is PushKind {
  return (PUSH_KINDS as readonly string[]).includes(text);
}

/** What is wrong with a token, for the client that registers it; undefined when it is well-formed. */
export function tokenFault({ kind, token }: ParsedToken): string | undefined {
  if (token === '') return 'is empty';
  if (token.length > MAX_CHARS) return `has more than ${MAX_CHARS} characters`;
  switch (kind) {
    case 'apns':
    case 'apns-sandbox':
      return HEX.test(token) ? undefined : 'must be a device token in hexadecimal digits';
    case 'web':
      return subscriptionOf(token)
        ? undefined
        : 'must be a subscription as JSON: endpoint (https), keys.p256dh, keys.auth';
    default:
      return /[\s\p{Cc}]/u.test(token) ? 'must not contain spaces or control characters' : undefined;
  }
}

/** A browser's subscription. */
export interface Subscription {
  readonly endpoint: URL;
  /** Public key of the browser, 65 bytes. */
  readonly p256dh: Buffer;
  /** Shared secret, 16 bytes. */
  readonly auth: Buffer;
}

/** Reads a subscription as `PushSubscription.toJSON()` writes it; undefined when it is none. */
export function subscriptionOf(token: string): Subscription | undefined {
  try {
    const { endpoint, keys } = JSON.parse(token) as {
      endpoint: string;
      keys: { p256dh: string; auth: string };
    };
    const url = new URL(endpoint);
    if (url.protocol !== 'https:' || url.username !== '' || !isKey(keys.p256dh) || !isKey(keys.auth))
      return undefined;
    const p256dh = Buffer.from(keys.p256dh, 'base64url');
    const auth = Buffer.from(keys.auth, 'base64url');
    if (p256dh.length !== 65 || p256dh[0] !== 4 || auth.length !== 16) return undefined;
    return { endpoint: url, p256dh, auth };
  } catch {
    return undefined;
  }
}

function isKey(value: unknown): value is string {
  return typeof value === 'string' && BASE64URL.test(value);
}
