import { constants, type KeyObject, verify } from 'node:crypto';

/** A JSON Web Token that was verified. */
export interface VerifiedJwt {
  readonly header: Readonly<Record<string, unknown>>;
  readonly claims: Readonly<Record<string, unknown>>;
}

/** Verifies a token by a vendor's rules; undefined when it is not one. */
export function verifyJwt(
  text: string,
  algorithm: 'RS256' | 'PS256' | 'ES256',
  key: KeyObject,
): VerifiedJwt | undefined {
  const [header = '', claims = '', signature = ''] = text.split('.');
  try {
    const parsed = JSON.parse(Buffer.from(header, 'base64url').toString());
    if (parsed.alg !== algorithm) return undefined;
    const data = Buffer.from(`${header}.${claims}`);
    const options =
      algorithm === 'ES256'
        ? { key, dsaEncoding: 'ieee-p1363' as const }
        : algorithm === 'PS256'
          ? { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }
          : { key };
    if (!verify('sha256', data, options, Buffer.from(signature, 'base64url'))) return undefined;
    return { header: parsed, claims: JSON.parse(Buffer.from(claims, 'base64url').toString()) };
  } catch {
    return undefined;
  }
}
