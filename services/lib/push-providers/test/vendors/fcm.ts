import { generateKeyPairSync } from 'node:crypto';
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
  type VendorRequest,
} from './vendor.ts';

const PROJECT = 'demo-project';
const EMAIL = 'push@demo-project.iam.gserviceaccount.com';
const SCOPE = 'https://www.googleapis.com/auth/firebase.messaging';
const RESERVED = /^(from|message_type|gcm.*|google.*)$/;

const error = (status: number, name: string, code?: string, fields: string[] = []): VendorAnswer => ({
  status,
  body: {
    error: {
      code: status,
      status: name,
      message: name,
      details: [
        ...(code
          ? [{ '@type': 'type.googleapis.com/google.firebase.fcm.v1.FcmError', errorCode: code }]
          : []),
        ...(fields.length > 0
          ? [
              {
                '@type': 'type.googleapis.com/google.rpc.BadRequest',
                fieldViolations: fields.map((field) => ({ field, description: 'invalid' })),
              },
            ]
          : []),
      ],
    },
  },
});

/** What FCM answers, by name, besides the faults that all vendors have. */
export const FCM_ERRORS = {
  badToken: error(400, 'INVALID_ARGUMENT', 'INVALID_ARGUMENT', ['message.token']),
  badPayload: error(400, 'INVALID_ARGUMENT', 'INVALID_ARGUMENT', ['message.android.ttl']),
  senderMismatch: error(403, 'PERMISSION_DENIED', 'SENDER_ID_MISMATCH'),
  apnsKey: error(401, 'UNAUTHENTICATED', 'THIRD_PARTY_AUTH_ERROR'),
  internal: error(500, 'INTERNAL', 'INTERNAL'),
  quotaWithoutWait: error(429, 'RESOURCE_EXHAUSTED', 'QUOTA_EXCEEDED'),
  wrongProject: error(404, 'NOT_FOUND'),
} as const satisfies Record<string, VendorAnswer>;

/** FCM HTTP v1 and Google's token endpoint; https://firebase.google.com/docs/reference/fcm/rest/v1/projects.messages */
export async function startFcm(): Promise<Vendor & { answer(answer: VendorAnswer): void }> {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  const plan = faults();
  const answers: VendorAnswer[] = [];
  const taken: Taken[] = [];
  const valid = new Set<string>();
  let logins = 0;
  let devices = 0;
  const server = await startServer((request) => (request.path === '/token' ? login(request) : send(request)));

  function login({ method, headers, body }: VendorRequest): VendorAnswer {
    const refuse: VendorAnswer = { status: 400, body: { error: 'invalid_grant' } };
    if (plan.next() === 'credentials') return refuse;
    demand(
      method === 'POST' && headers['content-type'] === 'application/x-www-form-urlencoded',
      refuse,
      'form',
    );
    const form = new URLSearchParams(body.toString());
    demand(form.get('grant_type') === 'urn:ietf:params:oauth:grant-type:jwt-bearer', refuse, 'grant_type');
    const jwt = verifyJwt(form.get('assertion') ?? '', 'RS256', publicKey);
    demand(jwt, refuse, 'signature');
    const { iss, scope, aud, iat, exp } = jwt.claims;
    demand(iss === EMAIL && scope === SCOPE && aud === `${server.url}/token`, refuse, 'claims');
    const now = Date.now() / 1_000;
    demand(Math.abs(Number(iat) - now) < 60 && Number(exp) <= Number(iat) + 3_600, refuse, 'times');
    const token = `access-${++logins}`;
    valid.add(token);
    return { status: 200, body: { access_token: token, expires_in: 3_599, token_type: 'Bearer' } };
  }

  function send({ method, path, headers, body }: VendorRequest): VendorAnswer {
    const next = answers.shift();
    if (next) return next;
    const fault = plan.next();
    if (fault) return played(fault, String(headers.authorization).slice('Bearer '.length));
    demand(method === 'POST', { status: 405 }, 'method');
    demand(path === `/v1/projects/${PROJECT}/messages:send`, error(404, 'NOT_FOUND'), 'path');
    demand(
      valid.has(String(headers.authorization).replace(/^Bearer /, '')),
      error(401, 'UNAUTHENTICATED'),
      'bearer',
    );
    const invalid = (field: string) => error(400, 'INVALID_ARGUMENT', 'INVALID_ARGUMENT', [field]);
    const { message } = JSON.parse(body.toString());
    demand(
      ['token', 'topic', 'condition'].filter((key) => key in message).length === 1,
      invalid('message'),
      'target',
    );
    const { token, notification, data, android, apns } = message;
    for (const [key, value] of Object.entries(data))
      demand(typeof value === 'string' && !RESERVED.test(key), invalid(`message.data[${key}]`), key);
    const payload = Buffer.byteLength(JSON.stringify({ notification, data }));
    demand(payload <= 4_096 && notification.title, invalid('message'), 'payload');
    const ttl = /^(\d+)s$/.exec(android.ttl)?.[1];
    demand(ttl !== undefined && Number(ttl) <= 2_419_200, invalid('message.android.ttl'), 'ttl');
    demand(['NORMAL', 'HIGH'].includes(android.priority), invalid('message.android.priority'), 'priority');
    demand(typeof apns.payload.aps === 'object', invalid('message.apns.payload'), 'aps');
    demand(
      Buffer.byteLength(apns.headers['apns-collapse-id']) <= 64,
      invalid('message.apns.headers'),
      'collapse id',
    );
    taken.push({
      tokens: [token],
      title: notification.title,
      body: notification.body,
      badge: apns.payload.aps.badge,
      id: android.collapse_key,
    });
    return { status: 200, body: { name: `projects/${PROJECT}/messages/${taken.length}` } };
  }

  function played(fault: Fault, access: string): VendorAnswer {
    switch (fault) {
      case 'gone':
        return error(404, 'NOT_FOUND', 'UNREGISTERED');
      case 'overload':
        return {
          ...(error(429, 'RESOURCE_EXHAUSTED', 'QUOTA_EXCEEDED') as object),
          status: 429,
          headers: { 'retry-after': String(RETRY_AFTER_S) },
        };
      case 'unavailable':
        return error(503, 'UNAVAILABLE', 'UNAVAILABLE');
      case 'html':
        return HTML;
      case 'refuse':
        return FCM_ERRORS.badPayload;
      case 'credentials':
        return error(403, 'PERMISSION_DENIED');
      case 'expiredAccess':
        valid.delete(access);
        return error(401, 'UNAUTHENTICATED');
      case 'cut':
      case 'hang':
        return fault;
      default:
        return fault satisfies never;
    }
  }

  const serviceAccount = JSON.stringify({
    type: 'service_account',
    project_id: PROJECT,
    client_email: EMAIL,
    private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    token_uri: `${server.url}/token`,
  });
  return {
    name: 'fcm',
    settings: { fcm: { serviceAccount, url: server.url } },
    taken,
    get logins() {
      return logins;
    },
    device: () => ({ userID: 'u', platformID: 2, kind: 'fcm', token: `f${++devices}:APA91b`, badge: 3 }),
    fail: plan.fail,
    answer: (answer) => answers.push(answer),
    without: [],
    [Symbol.asyncDispose]: server.close,
  };
}
