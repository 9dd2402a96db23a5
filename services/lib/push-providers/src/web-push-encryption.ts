import { createCipheriv, createECDH, hkdfSync, randomBytes } from 'node:crypto';

/** Keys of a browser's subscription. */
export interface SubscriptionKeys {
  /** Uncompressed public key, 65 bytes. */
  readonly p256dh: Buffer;
  /** Shared secret, 16 bytes. */
  readonly auth: Buffer;
}

/** Randomness of one message; for tests. */
export interface EncryptionSeed {
  /** Private key of the sender, 32 bytes. */
  readonly privateKey: Buffer;
  /** 16 bytes. */
  readonly salt: Buffer;
}

const RECORD_BYTES = 4_096;
const HEADER_BYTES = 16 + 4 + 1 + 65;
const TAG_BYTES = 16;
/** Longest text of a message: one record of 4096 bytes, without header, tag and delimiter. */
export const MAX_PLAIN_BYTES = RECORD_BYTES - HEADER_BYTES - TAG_BYTES - 1;

/**
 * Encrypts a message for a browser: RFC 8291, content coding aes128gcm of RFC 8188, in one record.
 * @throws RangeError for more than {@link MAX_PLAIN_BYTES} bytes, and an Error for a public key that is no point.
 */
export function encryptWebPush(
  plain: Buffer,
  { p256dh, auth }: SubscriptionKeys,
  seed?: EncryptionSeed,
): Buffer<ArrayBuffer> {
  if (plain.length > MAX_PLAIN_BYTES)
    throw new RangeError(`${plain.length} bytes do not fit into one record`);
  const own = createECDH('prime256v1');
  if (seed) own.setPrivateKey(seed.privateKey);
  else own.generateKeys();
  const publicKey = own.getPublicKey();
  const salt = seed?.salt ?? randomBytes(16);
  const derive = (secret: Buffer, with_: Buffer, info: Buffer, bytes: number) =>
    Buffer.from(hkdfSync('sha256', secret, with_, info, bytes));

  const info = Buffer.concat([Buffer.from('WebPush: info\0'), p256dh, publicKey]);
  const secret = derive(own.computeSecret(p256dh), auth, info, 32);
  const key = derive(secret, salt, Buffer.from('Content-Encoding: aes128gcm\0'), 16);
  const nonce = derive(secret, salt, Buffer.from('Content-Encoding: nonce\0'), 12);

  const size = Buffer.alloc(5);
  size.writeUInt32BE(RECORD_BYTES);
  size.writeUInt8(publicKey.length, 4);
  const cipher = createCipheriv('aes-128-gcm', key, nonce);
  // 2 marks the last record.
  const sealed = [cipher.update(plain), cipher.update(Buffer.from([2])), cipher.final(), cipher.getAuthTag()];
  return Buffer.concat([salt, size, publicKey, ...sealed]);
}
