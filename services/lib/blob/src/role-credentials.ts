import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { messageOf, readUpTo } from '@im/kit';

/** What requests to S3 are signed with. */
export interface Credentials {
  readonly accessKey: string;
  readonly secretKey: string;
  /** Only temporary credentials have one. */
  readonly sessionToken?: string;
}

/** Credentials of a role, for a while. */
export interface TemporaryCredentials extends Credentials {
  readonly sessionToken: string;
  /** Time from which they are refused, ms. */
  readonly expiresAt: number;
}

/** Where the credentials of the role come from, and what that needs. */
export interface RoleSources {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly region: string;
}

/** Longest time of one request, ms. */
const REQUEST_MS = 5_000;
/** Longest answer, bytes. */
const LARGEST_ANSWER = 65_536;
/** Lifetime of a token for the metadata service, s: it is used at once. */
const METADATA_TOKEN_SECONDS = 60;
const METADATA_ENDPOINT = 'http://169.254.169.254';
const CONTAINER_ENDPOINT = 'http://169.254.170.2';
/** Hosts to which the token of a container may be sent without TLS: ECS, EKS Pod Identity. */
const CONTAINER_HOSTS = new Set(['169.254.170.2', '169.254.170.23', '[fd00:ec2::23]', 'localhost']);

/**
 * The credentials of the role that the process runs under, by the first of these that its environment names, as in the
 * SDKs of AWS: a web identity token (`AWS_WEB_IDENTITY_TOKEN_FILE` and `AWS_ROLE_ARN`), the endpoint of a container
 * (`AWS_CONTAINER_CREDENTIALS_FULL_URI` or `_RELATIVE_URI`), the metadata service of the machine (version 2).
 *
 * Sources: AWS SDKs and Tools Reference Guide, "Standardized credential providers"; STS API Reference,
 * AssumeRoleWithWebIdentity; EC2 User Guide, "Use IMDSv2".
 * @throws Error that names what was asked, what it answered and what to correct.
 */
export async function fetchRoleCredentials(
  { env, region }: RoleSources,
  signal: AbortSignal,
): Promise<TemporaryCredentials> {
  if (env.AWS_WEB_IDENTITY_TOKEN_FILE) return byWebIdentity(env, region, signal);
  if (env.AWS_CONTAINER_CREDENTIALS_RELATIVE_URI || env.AWS_CONTAINER_CREDENTIALS_FULL_URI) {
    return byContainer(env, signal);
  }
  if (env.AWS_EC2_METADATA_DISABLED?.toLowerCase() === 'true') {
    throw new Error(
      'no role: set AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE, or AWS_CONTAINER_CREDENTIALS_FULL_URI, or allow AWS_EC2_METADATA_DISABLED to be false',
    );
  }
  return byMetadata(env.AWS_EC2_METADATA_SERVICE_ENDPOINT || METADATA_ENDPOINT, signal);
}

async function byWebIdentity(
  env: RoleSources['env'],
  region: string,
  signal: AbortSignal,
): Promise<TemporaryCredentials> {
  const { AWS_WEB_IDENTITY_TOKEN_FILE: file = '', AWS_ROLE_ARN: role } = env;
  if (!role) throw new Error('AWS_WEB_IDENTITY_TOKEN_FILE is set without AWS_ROLE_ARN; set both');
  const url = env.AWS_ENDPOINT_URL_STS || stsEndpoint(env.AWS_REGION || region);
  const body = new URLSearchParams({
    Action: 'AssumeRoleWithWebIdentity',
    Version: '2011-06-15',
    RoleArn: role,
    RoleSessionName: env.AWS_ROLE_SESSION_NAME || 'openim',
    WebIdentityToken: (await readFile(file, 'utf8')).trim(),
  });
  const { status, text } = await ask(url, { method: 'POST', body }, signal);
  if (status !== 200) {
    const why = [elementOf(text, 'Code'), elementOf(text, 'Message')].filter(Boolean).join(': ');
    throw new Error(
      `STS at ${url} refuses role ${role} (${status}${why ? ` ${why}` : ''}); correct the role's trust policy, or the ServiceAccount's annotation`,
    );
  }
  return temporary(url, {
    AccessKeyId: elementOf(text, 'AccessKeyId'),
    SecretAccessKey: elementOf(text, 'SecretAccessKey'),
    Token: elementOf(text, 'SessionToken'),
    Expiration: elementOf(text, 'Expiration'),
  });
}

/** The regional endpoint; the partition of China has another domain. */
function stsEndpoint(region: string): string {
  return `https://sts.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}/`;
}

async function byContainer(env: RoleSources['env'], signal: AbortSignal): Promise<TemporaryCredentials> {
  const relative = env.AWS_CONTAINER_CREDENTIALS_RELATIVE_URI;
  const url = relative
    ? new URL(relative, CONTAINER_ENDPOINT)
    : new URL(env.AWS_CONTAINER_CREDENTIALS_FULL_URI ?? '');
  if (url.protocol !== 'https:' && !isLocal(url.hostname)) {
    throw new Error(
      `AWS_CONTAINER_CREDENTIALS_FULL_URI: ${url.hostname} is not a local address; use https, or the address of the agent`,
    );
  }
  const tokenFile = env.AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE;
  const token = tokenFile
    ? (await readFile(tokenFile, 'utf8')).trim()
    : env.AWS_CONTAINER_AUTHORIZATION_TOKEN;
  const headers = token ? { authorization: token } : undefined;
  const { status, text } = await ask(url.href, { headers }, signal);
  if (status !== 200) throw new Error(`${url.origin} answers ${status}; check the role of the pod`);
  return temporary(url.origin, JSON.parse(text));
}

function isLocal(hostname: string): boolean {
  return (
    CONTAINER_HOSTS.has(hostname) ||
    hostname === '[::1]' ||
    (isIP(hostname) === 4 && hostname.startsWith('127.'))
  );
}

async function byMetadata(endpoint: string, signal: AbortSignal): Promise<TemporaryCredentials> {
  const path = (name: string) => new URL(name, endpoint).href;
  const get = async (name: string, headers: Record<string, string>, method = 'GET') => {
    const { status, text } = await ask(path(name), { method, headers }, signal);
    if (status !== 200) {
      throw new Error(
        `the metadata service answers ${status} to ${name}; give the machine a role, or set s3.accessKey and s3.secretKey`,
      );
    }
    return text;
  };
  const token = await get(
    '/latest/api/token',
    { 'x-aws-ec2-metadata-token-ttl-seconds': String(METADATA_TOKEN_SECONDS) },
    'PUT',
  );
  const headers = { 'x-aws-ec2-metadata-token': token };
  const roles = '/latest/meta-data/iam/security-credentials/';
  const [role = ''] = (await get(roles, headers)).trim().split('\n');
  if (role === '')
    throw new Error('the machine has no role; give it one, or set s3.accessKey and s3.secretKey');
  return temporary(endpoint, JSON.parse(await get(`${roles}${encodeURIComponent(role)}`, headers)));
}

async function ask(
  url: string,
  init: { method?: string; headers?: Record<string, string> | undefined; body?: URLSearchParams },
  signal: AbortSignal,
): Promise<{ readonly status: number; readonly text: string }> {
  const within = AbortSignal.any([signal, AbortSignal.timeout(REQUEST_MS)]);
  const { method, headers, body } = init;
  let response: Response;
  try {
    response = await fetch(url, { method, headers, body, redirect: 'error', signal: within } as RequestInit);
  } catch (error) {
    signal.throwIfAborted();
    const { cause } = error as Error;
    const why = messageOf(cause instanceof Error ? cause : error);
    throw new Error(`${new URL(url).origin} is unreachable (${why})`, { cause: error });
  }
  const bytes = await readUpTo(response.body ?? [], LARGEST_ANSWER);
  if (!bytes) throw new Error(`${new URL(url).origin} answers more than ${LARGEST_ANSWER} bytes`);
  return { status: response.status, text: bytes.toString('utf8') };
}

/** The text of the first element of this name; STS answers without attributes there. */
function elementOf(xml: string, name: string): string | undefined {
  const text = new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1];
  return text
    ?.replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&apos;', "'")
    .replaceAll('&amp;', '&')
    .trim();
}

/** @throws when the answer lacks something; never quotes it. */
function temporary(where: string, answer: unknown): TemporaryCredentials {
  const { AccessKeyId, SecretAccessKey, Token, Expiration } = Object(answer) as Record<string, unknown>;
  const expiresAt = Date.parse(String(Expiration));
  if (
    typeof AccessKeyId !== 'string' ||
    typeof SecretAccessKey !== 'string' ||
    typeof Token !== 'string' ||
    Number.isNaN(expiresAt)
  ) {
    throw new Error(`${where} does not answer with credentials; check that it is the right endpoint`);
  }
  return { accessKey: AccessKeyId, secretKey: SecretAccessKey, sessionToken: Token, expiresAt };
}
