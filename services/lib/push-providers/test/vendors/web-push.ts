import { createDecipheriv, createECDH, createPublicKey, hkdfSync, randomBytes } from 'node:crypto';
import { vendorHttp } from '../../src/http.ts';
import { verifyJwt } from './jwt.ts';
import {
  demand,
  type Fault,
  faults,
  HTML,
  RETRY_AFTER_S,
  startServer,
  type Taken,
  type Vendor,
  type VendorAnswer,
} from './vendor.ts';

const HOST = 'updates.push.services.mozilla.com';
const SUBJECT = 'mailto:push@example.com';

/** A push service (RFC 8030), and the browser behind each endpoint, which decrypts (RFC 8291). */
export async function startWebPush(): Promise<Vendor & { readonly bodies: number[] }> {
  const vapid = createECDH('prime256v1');
  vapid.generateKeys();
  const publicKey = vapid.getPublicKey();
  const plan = faults();
  const taken: Taken[] = [];
  const bodies: number[] = [];
  const browsers = new Map<
    string,
    { readonly ecdh: ReturnType<typeof createECDH>; readonly auth: Buffer; readonly token: string }
  >();
  const key = createPublicKey({
    key: {
      kty: 'EC',
      crv: 'P-256',
      x: publicKey.subarray(1, 33).toString('base64url'),
      y: publicKey.subarray(33).toString('base64url'),
    },
    format: 'jwk',
  });
  const server = await startServer(({ method, path, headers, body }) => {
    const fault = plan.next();
    if (fault) return played(fault);
    demand(method === 'POST', { status: 405 }, 'method');
    const browser = browsers.get(path);
    demand(browser, { status: 404 }, 'endpoint');
    const [, jwt, k] = /^vapid t=([^,]+), ?k=(\S+)$/.exec(String(headers.authorization)) ?? [];
    const token = verifyJwt(jwt ?? '', 'ES256', key);
    demand(token && k === publicKey.toString('base64url'), { status: 403 }, 'vapid');
    const { aud, exp, sub } = token.claims;
    const seconds = Number(exp) - Date.now() / 1_000;
    demand(
      aud === `https://${HOST}` && sub === SUBJECT && seconds > 0 && seconds <= 86_400,
      { status: 403 },
      'claims',
    );
    demand(/^\d+$/.test(String(headers.ttl)), { status: 400 }, 'TTL');
    demand(
      ['very-low', 'low', 'normal', 'high'].includes(String(headers.urgency)),
      { status: 400 },
      'Urgency',
    );
    demand(/^[\w-]{1,32}$/.test(String(headers.topic)), { status: 400 }, 'Topic');
    demand(headers['content-encoding'] === 'aes128gcm', { status: 400 }, 'encoding');
    demand(body.length <= 4_096, { status: 413 }, 'size');
    bodies.push(body.length);
    const { title, body: text, badge } = JSON.parse(decrypt(body, browser.ecdh, browser.auth));
    taken.push({ tokens: [browser.token], title, body: text, badge });
    return { status: 201, headers: { location: 'https://push.example/m/1' } };
  });

  function played(fault: Fault): VendorAnswer {
    switch (fault) {
      case 'gone':
        return { status: 410 };
      case 'overload':
        return { status: 429, headers: { 'retry-after': String(RETRY_AFTER_S) } };
      case 'unavailable':
        return { status: 503 };
      case 'html':
        return HTML;
      case 'refuse':
        return { status: 413 };
      case 'credentials':
        return { status: 403, body: { reason: 'BadJwtToken' } };
      case 'cut':
      case 'hang':
        return fault;
      default:
        throw new Error(`a push service has no answer for ${fault}`);
    }
  }

  const http = vendorHttp(['127.0.0.1']);
  return {
    name: 'webPush',
    settings: {
      webPush: {
        publicKey: publicKey.toString('base64url'),
        privateKey: vapid.getPrivateKey().toString('base64url'),
        subject: SUBJECT,
        hosts: ['*.push.services.mozilla.com'],
      },
    },
    taken,
    bodies,
    logins: 0,
    device() {
      const ecdh = createECDH('prime256v1');
      const p256dh = ecdh.generateKeys().toString('base64url');
      const auth = randomBytes(16);
      const path = `/wpush/v2/${browsers.size}`;
      const token = JSON.stringify({
        endpoint: `https://${HOST}${path}`,
        keys: { p256dh, auth: auth.toString('base64url') },
      });
      browsers.set(path, { ecdh, auth, token });
      return { userID: 'u', platformID: 5, kind: 'web', token, badge: 3 };
    },
    fail: plan.fail,
    without: ['expiredAccess'],
    // The service of the browser's maker is here.
    send: (url, request) => http.send(url.replace(`https://${HOST}`, server.url), request),
    [Symbol.asyncDispose]: server.close,
  };
}

/** The browser's part of RFC 8291, from its text and not from the sender's code. */
function decrypt(message: Buffer, ecdh: ReturnType<typeof createECDH>, auth: Buffer): string {
  const salt = message.subarray(0, 16);
  const keyLength = message.readUInt8(20);
  const sender = message.subarray(21, 21 + keyLength);
  const sealed = message.subarray(21 + keyLength);
  const info = Buffer.concat([Buffer.from('WebPush: info\0'), ecdh.getPublicKey(), sender]);
  const ikm = Buffer.from(hkdfSync('sha256', ecdh.computeSecret(sender), auth, info, 32));
  const cek = Buffer.from(hkdfSync('sha256', ikm, salt, 'Content-Encoding: aes128gcm\0', 16));
  const nonce = Buffer.from(hkdfSync('sha256', ikm, salt, 'Content-Encoding: nonce\0', 12));
  const decipher = createDecipheriv('aes-128-gcm', cek, nonce);
  decipher.setAuthTag(sealed.subarray(-16));
  const plain = Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()]);
  const end = plain.lastIndexOf(2);
  return plain.subarray(0, end).toString();
}
