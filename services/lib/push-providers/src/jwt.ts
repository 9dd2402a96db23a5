import { constants, createPrivateKey, type KeyObject, sign } from 'node:crypto';

/** Algorithms that vendors ask for. */
export type JwtAlgorithm = 'RS256' | 'PS256' | 'ES256';

/** Reads a private key. @throws TypeError that names the setting when it is none of this type. */
export function privateKeyOf(pem: string, type: 'rsa' | 'ec', setting: string): KeyObject {
  let key: KeyObject;
  try {
    // JSON in an environment variable often has the line breaks escaped once more.
    key = createPrivateKey(pem.replaceAll('\\n', '\n'));
  } catch {
    throw new TypeError(`${setting} is not a private key in PEM format`);
  }
  if (key.asymmetricKeyType !== type) throw new TypeError(`${setting} must be an ${type.toUpperCase()} key`);
  return key;
}

/** A signed JSON Web Token (RFC 7519). */
export function signJwt(
  algorithm: JwtAlgorithm,
  key: KeyObject,
  header: Readonly<Record<string, string>>,
  claims: Readonly<Record<string, string | number>>,
): string {
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${encode({ ...header, alg: algorithm })}.${encode(claims)}`;
  return `${signed}.${signatureOf(algorithm, key, Buffer.from(signed)).toString('base64url')}`;
}

function signatureOf(algorithm: JwtAlgorithm, key: KeyObject, data: Buffer<ArrayBuffer>): Buffer {
  switch (algorithm) {
    case 'RS256':
      return sign('sha256', data, key);
    case 'PS256':
      return sign('sha256', data, {
        key,
        padding: constants.RSA_PKCS1_PSS_PADDING,
        saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
      });
    case 'ES256':
      return sign('sha256', data, { key, dsaEncoding: 'ieee-p1363' });
    default:
      return algorithm satisfies never;
  }
}
