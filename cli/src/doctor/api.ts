import { callApi } from '../api-client.ts';
import { CommandError, EXIT, RefusedError } from '../exit-codes.ts';
import type { Target } from '../target.ts';
import { peerFinding } from './certificates.ts';
import { clockFinding } from './clock.ts';
import { type Finding, fine } from './finding.ts';
import { secretFinding } from './secrets.ts';

const TIMEOUT_MS = 5_000;

/** The HTTP API: reachable, certificate, clock, the admin secret. */
export async function apiFindings(target: Target): Promise<Finding[]> {
  const { apiUrl: subject } = target;
  const url = new URL(subject);
  const [reached, certificate] = await Promise.all([
    reach(subject),
    url.protocol === 'https:'
      ? peerFinding(url.host, url.hostname, Number(url.port || 443), Date.now())
      : undefined,
  ]);
  const answers = reached.some(({ check, severity }) => check === 'api.reachable' && severity === 'ok');
  return [
    ...reached,
    ...(certificate === undefined ? [] : [certificate]),
    ...(answers ? await credentials(target) : []),
  ];
}

async function reach(subject: string): Promise<Finding[]> {
  const sentAt = Date.now();
  try {
    const response = await fetch(`${subject}/healthz`, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    const answeredAt = Date.now();
    await response.body?.cancel();
    const time = Date.parse(response.headers.get('date') ?? '');
    return [
      fine('api.reachable', subject, `answers after ${answeredAt - sentAt} ms`),
      ...(Number.isNaN(time) ? [] : [clockFinding(subject, time, { sentAt, answeredAt }, 1_000)]),
    ];
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    return [
      {
        ...{ check: 'api.reachable', subject, severity: 'critical' },
        message: `no answer: ${cause instanceof Error ? cause.message || cause.name : cause}`,
        meaning: 'Clients and backends reach nothing.',
        remedy: 'Start the API, or correct the address; behind a proxy, look at that.',
      },
    ];
  }
}

async function credentials({ apiUrl, adminSecret, adminUser, secretProblem }: Target): Promise<Finding[]> {
  const check = 'api.credentials';
  const subject = apiUrl;
  if (adminSecret === undefined) {
    return [
      {
        ...{ check, subject, severity: 'unknown' },
        message: `no admin secret is known${secretProblem === undefined ? '' : `: ${secretProblem}`}`,
        meaning: '',
        remedy: 'Name it by --admin-secret-file or a context.',
      },
    ];
  }
  const strength = secretFinding(
    `admin secret of ${apiUrl}`,
    adminSecret,
    'Anyone who guesses it can administer the tenant.',
  );
  try {
    await callApi({ apiUrl }, '/auth/get_admin_token', { secret: adminSecret, userID: adminUser });
    return [fine(check, subject, `the admin secret is accepted for ${adminUser}`), strength];
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    const isRefused = error instanceof RefusedError;
    return [
      {
        ...{ check: isRefused ? check : 'api.reachable', subject, severity: 'critical' },
        message: isRefused ? `the admin secret is refused for ${adminUser}: ${error.message}` : error.message,
        meaning: isRefused
          ? 'Backends with this secret can issue no tokens: new logins fail.'
          : 'Administration and logins fail.',
        remedy: isRefused
          ? 'Give the secret of this tenant (of a cluster: the Secret that its status names), and an admin user of its adminUserIDs.'
          : error.exitCode === EXIT.unreachable
            ? 'Look at /readyz of the API, and at the stores.'
            : 'Look at the log of the API.',
      },
      strength,
    ];
  }
}
