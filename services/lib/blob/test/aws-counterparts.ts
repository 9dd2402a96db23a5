import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isSigned, signatureOf } from './signatures.ts';

/** A server on 127.0.0.1. */
export interface Counterpart extends AsyncDisposable {
  readonly url: string;
}

async function serve(
  handle: (request: IncomingMessage, response: ServerResponse, body: string) => void,
): Promise<Counterpart> {
  const server = createServer(async (incoming, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    handle(incoming, response, Buffer.concat(chunks).toString());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Sessions that a counterpart has given out. */
export interface Sessions {
  /** Lifetime of the next ones, ms. */
  readonly lifetimeMs: number;
  /** Secret keys and ends (ms) of sessions, by session token. */
  readonly given: Map<string, { readonly secret: string; readonly end: number }>;
}

/** No session yet. */
export function newSessions(lifetimeMs = 3_600_000): Sessions {
  return { lifetimeMs, given: new Map() };
}

function newSession({ given, lifetimeMs }: Sessions) {
  const Token = randomBytes(48).toString('base64');
  const SecretAccessKey = randomBytes(30).toString('base64');
  const end = Date.now() + lifetimeMs;
  given.set(Token, { secret: SecretAccessKey, end });
  return {
    AccessKeyId: `ASIA${randomBytes(8).toString('hex').toUpperCase()}`,
    SecretAccessKey,
    Token,
    Expiration: new Date(end).toISOString(),
  };
}

/**
 * STS with the one action AssumeRoleWithWebIdentity.
 * Source: AWS Security Token Service API Reference, AssumeRoleWithWebIdentity (parameters, their limits, errors, sample
 * response) and "Common Parameters".
 */
export function startSts(trusted: {
  readonly role: string;
  readonly token: string;
  readonly sessions: Sessions;
}): Promise<Counterpart> {
  return serve((incoming, response, body) => {
    const fail = (status: number, code: string, message: string) => {
      response.writeHead(status, { 'content-type': 'text/xml' }).end(
        `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error>
  <RequestId>c6104cbe-af31-11e0-8154-cbc7ccf896c7</RequestId>
</ErrorResponse>`,
      );
    };
    const form = new URLSearchParams(body);
    const [role = '', session = '', token = ''] = ['RoleArn', 'RoleSessionName', 'WebIdentityToken'].map(
      (name) => form.get(name) ?? '',
    );
    if (
      incoming.method !== 'POST' ||
      !/^application\/x-www-form-urlencoded/.test(incoming.headers['content-type'] ?? '')
    ) {
      return fail(400, 'InvalidAction', 'a form by POST is expected');
    }
    if (incoming.headers.authorization)
      return fail(400, 'IncompleteSignature', 'the call takes no credentials');
    if (form.get('Action') !== 'AssumeRoleWithWebIdentity')
      return fail(400, 'InvalidAction', 'unknown action');
    if (form.get('Version') !== '2011-06-15') return fail(400, 'NoSuchVersion', 'unknown version');
    if (role.length < 20 || role.length > 2_048) return fail(400, 'ValidationError', 'RoleArn: 20 to 2048');
    if (!/^[\w+=,.@-]{2,64}$/.test(session)) return fail(400, 'ValidationError', 'RoleSessionName');
    if (token.length < 4 || token.length > 20_000 || /\s/.test(token)) {
      return fail(400, 'InvalidIdentityToken', 'the token is malformed');
    }
    if (token !== trusted.token)
      return fail(400, 'InvalidIdentityToken', 'Couldn&apos;t retrieve verification key');
    if (role !== trusted.role) {
      return fail(403, 'AccessDenied', 'Not authorized to perform sts:AssumeRoleWithWebIdentity');
    }
    const made = newSession(trusted.sessions);
    response.writeHead(200, { 'content-type': 'text/xml' }).end(
      `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <AssumeRoleWithWebIdentityResult>
    <SubjectFromWebIdentityToken>amzn1.account.AF6RHO7KZU5XRVQJGXK6HB56KR2A</SubjectFromWebIdentityToken>
    <AssumedRoleUser>
      <Arn>arn:aws:sts::123456789012:assumed-role/im/${session}</Arn>
      <AssumedRoleId>AROACLKWSDQRAOEXAMPLE:${session}</AssumedRoleId>
    </AssumedRoleUser>
    <Credentials>
      <SessionToken>${made.Token}</SessionToken>
      <SecretAccessKey>${made.SecretAccessKey}</SecretAccessKey>
      <Expiration>${made.Expiration}</Expiration>
      <AccessKeyId>${made.AccessKeyId}</AccessKeyId>
    </Credentials>
  </AssumeRoleWithWebIdentityResult>
  <ResponseMetadata><RequestId>ad4156e9-bce1-11e2-82e6-6b6efEXAMPLE</RequestId></ResponseMetadata>
</AssumeRoleWithWebIdentityResponse>`,
    );
  });
}

/**
 * The credentials endpoint of a container, which wants a token.
 * Source: AWS SDKs and Tools Reference Guide, "Container credential provider".
 */
export function startContainerEndpoint(token: string, sessions: Sessions): Promise<Counterpart> {
  return serve((incoming, response) => {
    if (incoming.method !== 'GET' || incoming.url !== '/v1/credentials')
      return void response.writeHead(404).end();
    if (incoming.headers.authorization !== token) return void response.writeHead(401).end();
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(newSession(sessions)));
  });
}

/**
 * The metadata service, version 2 only.
 * Source: Amazon EC2 User Guide, "Use the Instance Metadata Service" and "Retrieve security credentials".
 */
export function startMetadataService(role: string, sessions: Sessions): Promise<Counterpart> {
  const tokens = new Set<string>();
  return serve((incoming, response) => {
    if (incoming.url === '/latest/api/token') {
      const seconds = Number(incoming.headers['x-aws-ec2-metadata-token-ttl-seconds']);
      if (incoming.method !== 'PUT') return void response.writeHead(405).end();
      if (!(seconds >= 1 && seconds <= 21_600)) return void response.writeHead(400).end();
      const token = randomBytes(30).toString('base64url');
      tokens.add(token);
      return void response.writeHead(200).end(token);
    }
    if (!tokens.has(String(incoming.headers['x-aws-ec2-metadata-token'])))
      return void response.writeHead(401).end();
    const base = '/latest/meta-data/iam/security-credentials/';
    if (incoming.url === base) return void response.writeHead(200).end(role);
    if (role === '' || incoming.url !== `${base}${role}`) return void response.writeHead(404).end();
    response.writeHead(200).end(
      JSON.stringify({
        Code: 'Success',
        LastUpdated: new Date().toISOString(),
        Type: 'AWS-HMAC',
        ...newSession(sessions),
      }),
    );
  });
}

/** A storage of one account that admits requests signed with the credentials of a session that has not ended. */
export function startSessionStorage({ given }: Sessions): Promise<Counterpart> {
  const objects = new Map<string, string>();
  return serve((incoming, response, body) => {
    const url = new URL(incoming.url ?? '', 'http://storage');
    const fail = (code: string) =>
      response
        .writeHead(code === 'NoSuchKey' ? 404 : 403, { 'content-type': 'application/xml' })
        .end(incoming.method === 'HEAD' ? undefined : `<Error><Code>${code}</Code></Error>`);
    const session = given.get(String(signatureOf(incoming, url.searchParams).token));
    if (!session) return void fail('InvalidToken');
    if (session.end <= Date.now()) return void fail('ExpiredToken');
    if (!isSigned(incoming, url, session.secret)) return void fail('SignatureDoesNotMatch');
    const isObject = url.pathname.split('/').filter(Boolean).length > 1;
    if (incoming.method === 'PUT') {
      if (isObject) objects.set(url.pathname, body);
      return void response.writeHead(200, { etag: '"0"' }).end();
    }
    const found = isObject ? objects.get(url.pathname) : '';
    if (found === undefined) return void fail('NoSuchKey');
    response.writeHead(200, {
      'content-length': Buffer.byteLength(found),
      'last-modified': new Date(0).toUTCString(),
      etag: '"0"',
    });
    response.end(incoming.method === 'HEAD' ? undefined : found);
  });
}
