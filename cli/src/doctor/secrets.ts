import type { ServerConfig } from '@im/contract';
import { type Finding, fine } from './finding.ts';

/** Secrets that documentation, images and installers are known for. */
const WELL_KNOWN: ReadonlySet<string> = new Set([
  'openim123',
  'openimadmin',
  'openimsecret',
  'minioadmin',
  'minio123',
  'admin',
  'admin123',
  'administrator',
  'changeme',
  'default',
  'guest',
  'password',
  'passw0rd',
  'root',
  'secret',
  'test',
  '123456',
  '12345678',
  '123456789',
]);
/** Shorter ones can be guessed over the network. */
const SHORTEST = 12;

/** Why a secret is no secret; undefined for one that is. Never quotes it. */
export function weakness(secret: string): string | undefined {
  if (WELL_KNOWN.has(secret.toLowerCase())) return 'is a well-known default';
  if (secret.length < SHORTEST) return `has ${secret.length} characters`;
  return new Set(secret).size < 4 ? 'repeats few characters' : undefined;
}

/** Whether a secret is a default or too short. */
export function secretFinding(subject: string, secret: string, meaning: string): Finding {
  const fault = weakness(secret);
  if (fault === undefined) return fine('secret.default', subject, 'not a default, and long enough');
  return {
    ...{ check: 'secret.default', subject, meaning },
    severity: fault === 'is a well-known default' ? 'critical' : 'warning',
    message: fault,
    remedy: 'Replace it by a random one: openssl rand -hex 24 (docs/operations/secrets.md).',
  };
}

/** Secrets of a config. Empty ones are absent where that is allowed, and checked by the config's schema where not. */
export function configSecretFindings({ tenants, s3, rpc }: ServerConfig): Finding[] {
  const admin = 'Anyone who guesses it can administer the tenant.';
  const token = 'Anyone who guesses it can sign tokens of any user.';
  const named: (readonly [string, string, string])[] = [
    ...tenants.flatMap(({ id, adminSecret, tokenSecret }) => [
      [`tenants.${id}.adminSecret`, adminSecret, admin] as const,
      [`tenants.${id}.tokenSecret`, tokenSecret, token] as const,
    ]),
    [
      's3.secretKey',
      s3.credentials === 'keys' ? s3.secretKey : '',
      'Anyone who guesses it can read all objects.',
    ],
    ['rpc.key', rpc.key, 'Anyone who guesses it and reaches the ports can act as a process of the cluster.'],
  ];
  const findings = named
    .filter(([, secret]) => secret !== '')
    .map(([subject, secret, meaning]) => secretFinding(subject, secret, meaning));
  const shared = tenants.filter(({ adminSecret, tokenSecret }) => adminSecret === tokenSecret);
  return [
    ...findings,
    ...shared.map(
      ({ id }): Finding => ({
        ...{ check: 'secret.shared', subject: `tenants.${id}`, severity: 'warning' },
        message: 'adminSecret and tokenSecret are the same',
        meaning: 'Those who have the admin secret can sign tokens of any user.',
        remedy: 'Give each its own random value; a new tokenSecret ends all logins.',
      }),
    ),
  ];
}
