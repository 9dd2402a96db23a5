import { createHmac, timingSafeEqual } from 'node:crypto';

/** What a sealed text is for: one of a kind never passes for one of another. */
export type SealKind = 'upload' | 'form';

function sealOf(kind: SealKind, text: string, secret: string): string {
  return createHmac('sha256', `${kind}:${secret}`).update(text).digest('base64url');
}

/** Facts that a client hands back unread, as a text with a seal, so that it cannot change them. */
export function seal(kind: SealKind, facts: object, secret: string): string {
  const text = JSON.stringify(facts);
  return Buffer.from(JSON.stringify([text, sealOf(kind, text, secret)])).toString('base64');
}

/** The facts of a sealed text; undefined for one that was not made with this kind and secret. */
export function unseal(kind: SealKind, sealed: string, secret: string): unknown {
  try {
    const [text, given] = JSON.parse(Buffer.from(sealed, 'base64').toString('utf8')) as [string, string];
    const wanted = Buffer.from(sealOf(kind, text, secret));
    const found = Buffer.from(given);
    return found.length === wanted.length && timingSafeEqual(found, wanted) ? JSON.parse(text) : undefined;
  } catch {
    return undefined;
  }
}
