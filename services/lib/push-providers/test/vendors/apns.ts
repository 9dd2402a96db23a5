import { generateKeyPairSync } from 'node:crypto';
import {
  constants,
  createServer,
  type Http2Session,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import { verifyJwt } from './jwt.ts';
import { type Fault, faults, RETRY_AFTER_S, type Taken, type Vendor } from './vendor.ts';

const TEAM = 'TEAM123456';
const KEY = 'KEY1234567';
const TOPIC = 'com.example.chat';
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** An answer of APNs: status, reason and more of its body. */
export type ApnsReply = readonly [status: number, reason?: string, more?: object];

/** Apple Push Notification service without TLS; https://developer.apple.com/documentation/usernotifications/sending-notification-requests-to-apns */
export async function startApns(): Promise<
  Vendor & {
    reply(reply: ApnsReply): void;
    /** Ends connections by GOAWAY: requests after the next `answered` are not processed. */
    goAway(answered: number): void;
    readonly connections: number;
    /** Reasons of refused requests. */
    readonly refusals: string[];
    readonly apnsIDs: string[];
  }
> {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const plan = faults();
  const replies: ApnsReply[] = [];
  const taken: Taken[] = [];
  const refusals: string[] = [];
  const apnsIDs: string[] = [];
  const sessions = new Set<ServerHttp2Session>();
  const tokens = new Map<string, number>();
  let connections = 0;
  let devices = 0;
  let processed = Number.POSITIVE_INFINITY;
  /** Connections that have shown a valid token, and those that were ended by GOAWAY. */
  const proven = new WeakSet<Http2Session>();
  const left = new WeakSet<Http2Session>();
  // One stream until a connection has shown a valid token.
  const server = createServer({ settings: { maxConcurrentStreams: 1 } });
  server.on('session', (session) => {
    connections++;
    sessions.add(session);
    session.on('error', () => {});
    session.on('close', () => sessions.delete(session));
  });

  function allowMany(session: Http2Session): void {
    if (!proven.has(session)) session.settings({ maxConcurrentStreams: 1_000 });
    proven.add(session);
  }

  /** The reason of a refusal; undefined when the request is taken. */
  function check(
    headers: Record<string, unknown>,
    body: string,
    session: Http2Session,
  ): ApnsReply | undefined {
    const { ':method': method, ':path': path } = headers;
    if (method !== 'POST') return [405, 'MethodNotAllowed'];
    const token = /^\/3\/device\/(.*)$/.exec(String(path))?.[1];
    if (token === undefined) return [404, 'BadPath'];
    if (token === '') return [400, 'MissingDeviceToken'];
    if (!/^[0-9a-f]{64,200}$/i.test(token)) return [400, 'BadDeviceToken'];
    const bearer = /^bearer (.+)$/.exec(String(headers.authorization ?? ''))?.[1];
    if (bearer === undefined) return [403, 'MissingProviderToken'];
    const jwt = verifyJwt(bearer, 'ES256', publicKey);
    if (!jwt || jwt.header.kid !== KEY || jwt.claims.iss !== TEAM) return [403, 'InvalidProviderToken'];
    const age = Date.now() / 1_000 - Number(jwt.claims.iat);
    if (!(age >= -60 && age <= 3_600)) return [403, 'ExpiredProviderToken'];
    if (!tokens.has(bearer)) {
      if ([...tokens.values()].some((at) => Date.now() - at < 20 * 60_000))
        return [429, 'TooManyProviderTokenUpdates'];
      tokens.set(bearer, Date.now());
    }
    allowMany(session);
    if (headers['apns-topic'] === undefined) return [400, 'MissingTopic'];
    if (headers['apns-topic'] !== TOPIC) return [400, 'TopicDisallowed'];
    if (headers['apns-push-type'] !== 'alert') return [400, 'InvalidPushType'];
    if (!['10', '5', '1'].includes(String(headers['apns-priority']))) return [400, 'BadPriority'];
    if (!/^\d+$/.test(String(headers['apns-expiration']))) return [400, 'BadExpirationDate'];
    if (Buffer.byteLength(String(headers['apns-collapse-id'])) > 64) return [400, 'BadCollapseId'];
    if (!UUID.test(String(headers['apns-id']))) return [400, 'BadMessageId'];
    if (body === '') return [400, 'PayloadEmpty'];
    if (Buffer.byteLength(body) > 4_096) return [413, 'PayloadTooLarge'];
    const { aps } = JSON.parse(body);
    if (!aps?.alert?.title) return [400, 'PayloadEmpty'];
    apnsIDs.push(String(headers['apns-id']));
    taken.push({ tokens: [token], ...aps.alert, badge: aps.badge, id: headers['apns-collapse-id'] });
    return undefined;
  }

  function played(fault: Fault): ApnsReply | 'cut' | 'hang' {
    switch (fault) {
      case 'gone':
        return [410, 'Unregistered', { timestamp: 1_000 }];
      case 'overload':
        return [429, 'TooManyRequests'];
      case 'unavailable':
        return [503, 'ServiceUnavailable'];
      case 'html':
        return [502];
      case 'refuse':
        return [400, 'DeviceTokenNotForTopic'];
      case 'credentials':
        return [403, 'InvalidProviderToken'];
      case 'expiredAccess':
        return [403, 'ExpiredProviderToken'];
      case 'cut':
      case 'hang':
        return fault;
      default:
        return fault satisfies never;
    }
  }

  function answer(stream: ServerHttp2Stream, headers: Record<string, unknown>, body: string): void {
    const { session } = stream;
    if (!session || stream.destroyed || left.has(session)) return;
    if (--processed === 0) {
      processed = Number.POSITIVE_INFINITY;
      left.add(session);
      const reason = Buffer.from(JSON.stringify({ reason: 'Shutdown' }));
      // It is answered; what came after it was not processed.
      respond(stream, check(headers, body, session) ?? [200]);
      session.goaway(constants.NGHTTP2_NO_ERROR, stream.id, reason);
      return;
    }
    const fault = plan.next();
    const reply =
      replies.shift() ?? (fault ? played(fault) : (check(headers, body, session) ?? ([200] as const)));
    if (reply === 'cut') session.destroy();
    else if (reply !== 'hang') respond(stream, reply);
    // The stream that hangs would be the only one.
    else allowMany(session);
  }

  function respond(stream: ServerHttp2Stream, [status, reason, more]: ApnsReply): void {
    if (stream.destroyed || stream.closed) return;
    if (reason) refusals.push(reason);
    const wait = status === 429 || status === 503 ? { 'retry-after': String(RETRY_AFTER_S) } : {};
    stream.respond({ ':status': status, 'apns-id': 'given-by-apple', ...wait });
    stream.end(status === 200 ? '' : reason ? JSON.stringify({ reason, ...more }) : '<html></html>');
  }

  server.on('stream', (stream, headers) => {
    const chunks: Buffer[] = [];
    stream.on('error', () => {});
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => answer(stream, headers, Buffer.concat(chunks).toString()));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    name: 'apns',
    settings: { apns: { key, keyID: KEY, teamID: TEAM, topic: TOPIC, sandbox: false, url } },
    taken,
    refusals,
    apnsIDs,
    logins: 0,
    get connections() {
      return connections;
    },
    device: () => ({
      userID: 'u',
      platformID: 1,
      kind: 'apns',
      token: (++devices).toString(16).padStart(64, '0'),
      badge: 3,
    }),
    fail: plan.fail,
    reply: (reply) => replies.push(reply),
    goAway(answered) {
      processed = answered;
    },
    without: [],
    async [Symbol.asyncDispose]() {
      for (const session of sessions) session.destroy();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}
