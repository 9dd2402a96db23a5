import { createHmac, timingSafeEqual } from 'node:crypto';
import { webhookKey } from '@im/contract';

/** Headers of the Standard Webhooks specification, https://www.standardwebhooks.com. */
export interface SignedHeaders {
  readonly 'webhook-id': string;
  /** Seconds since the epoch. */
  readonly 'webhook-timestamp': string;
  /** One `v1,<base64>` per secret; absent when there is none. */
  readonly 'webhook-signature'?: string;
}

/** @param secrets `whsec_…`; each gives one signature, in their order. Empty ones count as absent. */
export function signedHeaders(
  id: string,
  body: string,
  secrets: readonly string[],
  nowMs: number = Date.now(),
): SignedHeaders {
  const seconds = String(Math.floor(nowMs / 1_000));
  const signatures = secrets.flatMap((secret) => {
    const key = webhookKey(secret);
    return key === undefined ? [] : [`v1,${signatureOf(key, id, seconds, body).toString('base64')}`];
  });
  return {
    'webhook-id': id,
    'webhook-timestamp': seconds,
    ...(signatures.length > 0 && { 'webhook-signature': signatures.join(' ') }),
  };
}

/** Oldest and newest timestamp that a receiver takes, as an offset from its clock, in s. */
const TOLERANCE_SECONDS = 300;

/**
 * Why a request is not one that the holder of `secret` sent now; undefined when it is.
 * @param headers by name in lower case.
 */
export function signatureFault(
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
  body: string,
  secret: string,
  nowMs: number = Date.now(),
): string | undefined {
  const key = webhookKey(secret);
  if (key === undefined) return 'the secret is not whsec_ and the base64 of 24 to 64 bytes';
  const [id, seconds, signatures] = ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map(
    (name) => headers[name],
  );
  if (typeof id !== 'string' || typeof seconds !== 'string')
    return 'webhook-id or webhook-timestamp is missing';
  if (typeof signatures !== 'string') return 'webhook-signature is missing: the tenant has no secret';
  if (!/^\d{1,12}$/.test(seconds)) return 'webhook-timestamp is not a time in seconds';
  if (Math.abs(nowMs / 1_000 - Number(seconds)) > TOLERANCE_SECONDS)
    return 'webhook-timestamp is more than 5 minutes off: clocks differ, or the request was replayed';
  const wanted = signatureOf(key, id, seconds, body);
  const matches = signatures.split(' ').some((signature) => {
    const [version, text = ''] = signature.split(',');
    const got = Buffer.from(text, 'base64');
    return version === 'v1' && got.length === wanted.length && timingSafeEqual(got, wanted);
  });
  return matches ? undefined : 'webhook-signature is of another secret or another body';
}

function signatureOf(key: Uint8Array, id: string, seconds: string, body: string): Buffer {
  return createHmac('sha256', key).update(`${id}.${seconds}.`).update(body).digest();
}
