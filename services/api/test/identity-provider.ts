import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';

/** What the provider answers at its token endpoint. */
export interface Answers {
  /** Claims of the ID token, over the right ones; undefined removes one. */
  readonly claims?: Readonly<Record<string, unknown>>;
  /** How the ID token is signed. @default by the published key */
  readonly signedBy?: 'published' | 'unknown' | 'secret' | 'nobody';
  /** HTTP status; other than 200 with `invalid_grant`. @default 200 */
  readonly status?: number;
  /** The answer is larger than any that is read. @default false */
  readonly huge?: boolean;
}

/** A provider that lies, as none that could be installed does: for forged, expired and foreign tokens. */
export interface LyingProvider extends AsyncDisposable {
  readonly issuer: string;
  /** How it answers from now on. */
  answer(answers: Answers): void;
  /** Bodies of the requests to the token endpoint. */
  readonly asked: URLSearchParams[];
}

export const CLIENT = { id: 'console', secret: 'a secret of the client that is long enough' };

function bodyOf(request: IncomingMessage): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  let text = '';
  request.on('data', (chunk: Buffer) => (text += chunk.toString()));
  request.on('end', () => resolve(text));
  return promise;
}

/** Starts the provider at localhost. @param nonce of the login that is under way */
export async function startLyingProvider(nonce: () => string): Promise<LyingProvider> {
  const [published, unknown] = [await generateKeyPair('RS256'), await generateKeyPair('RS256')];
  const jwk = { ...(await exportJWK(published.publicKey)), kid: 'one', alg: 'RS256', use: 'sig' };
  const asked: URLSearchParams[] = [];
  let answers: Answers = {};
  let issuer = '';

  async function idToken({ claims = {}, signedBy = 'published' }: Answers): Promise<string> {
    const now = Math.floor(Date.now() / 1_000);
    const right = { iss: issuer, aud: CLIENT.id, sub: 's-1', iat: now, exp: now + 300, nonce: nonce() };
    const all = { ...right, preferred_username: 'ann', groups: ['ops'], ...claims };
    const payload = Object.fromEntries(
      Object.entries(all).filter(([, value]) => value !== undefined),
    ) as JWTPayload;
    if (signedBy === 'nobody') {
      const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
      return `${part({ alg: 'none' })}.${part(payload)}.`;
    }
    if (signedBy === 'secret')
      return new SignJWT(payload).setProtectedHeader({ alg: 'HS256' }).sign(Buffer.from(CLIENT.secret));
    const { privateKey } = signedBy === 'unknown' ? unknown : published;
    return new SignJWT(payload).setProtectedHeader({ alg: 'RS256', kid: 'one' }).sign(privateKey);
  }

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const send = (body: object, status = 200) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    switch (request.url) {
      case '/.well-known/openid-configuration':
        send({
          issuer,
          authorization_endpoint: `${issuer}/authorize`,
          token_endpoint: `${issuer}/token`,
          jwks_uri: `${issuer}/keys`,
          response_types_supported: ['code'],
          id_token_signing_alg_values_supported: ['RS256'],
          authorization_response_iss_parameter_supported: true,
        });
        return;
      case '/keys':
        send({ keys: [jwk] });
        return;
      case '/token': {
        asked.push(new URLSearchParams(await bodyOf(request)));
        if (answers.status !== undefined) send({ error: 'invalid_grant' }, answers.status);
        else if (answers.huge) send({ access_token: 'x'.repeat(2_000_000) });
        else send({ access_token: 'a', token_type: 'Bearer', id_token: await idToken(answers) });
        return;
      }
      default:
        response.writeHead(404).end();
    }
  }

  const server = createServer((request, response) => void respond(request, response));
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, '127.0.0.1', resolve);
  await promise;
  issuer = `http://localhost:${(server.address() as AddressInfo).port}`;
  return {
    issuer,
    asked,
    answer(next) {
      answers = next;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}
