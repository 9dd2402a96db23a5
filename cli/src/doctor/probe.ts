import { messageOf } from '@im/kit';
import type { Finding } from './finding.ts';

/** Time in which a store must answer. */
export const PROBE_MS = 5_000;

/** Texts of the stores' clients and servers for credentials that are refused. */
const REFUSED =
  /auth(entication|orization)? (failed|violation|required)|not authorized|authorization violation|WRONGPASS|NOAUTH|NOPERM|requires authentication|access ?denied|InvalidAccessKeyId|SignatureDoesNotMatch|signature.*(does not|mismatch)|user authentication|Unauthorized|403/i;
const CERTIFICATE = /certificate|CERT_|self.signed|unable to verify|altnames/i;

/** What an error says, without what a connection string may hold. */
export function failureText(error: unknown): string {
  return messageOf(error)
    .replaceAll(/:\/\/[^@\s/]*@/g, '://***@')
    .slice(0, 300);
}

function withCode(error: unknown): string {
  return `${failureText(error)}${error instanceof Error && 'code' in error ? ` (${error.code})` : ''}`;
}

/** Whether a store refused the credentials, or what they asked for. */
export function isRefusal(error: unknown): boolean {
  return REFUSED.test(withCode(error));
}

/** What a failed request to a store says. */
export function failureFinding(store: string, subject: string, error: unknown): Finding {
  const text = failureText(error);
  if (isRefusal(error)) {
    return {
      ...{ check: `${store}.credentials`, subject, severity: 'critical' },
      message: `the credentials are refused: ${text}`,
      meaning: 'Processes cannot use it: they stay not ready, or become so when they connect again.',
      remedy: `Correct user, password or keys in section ${SECTIONS[store] ?? store} of the config, or in the Secret that it comes from.`,
    };
  }
  if (CERTIFICATE.test(withCode(error))) {
    return {
      ...{ check: `${store}.certificate`, subject, severity: 'critical' },
      message: `its certificate is refused: ${text}`,
      meaning: 'Processes do not connect to it.',
      remedy:
        'Renew the certificate if it expired; else name its CA in tls.caFile, and connect by a host that it names.',
    };
  }
  return {
    ...{ check: `${store}.reachable`, subject, severity: 'critical' },
    message: `no answer: ${text}`,
    meaning: MEANINGS[store] ?? 'What needs it fails.',
    remedy:
      'Start it, or correct its address; look at its log, and at firewalls and network policies in between.',
  };
}

const SECTIONS: Readonly<Record<string, string>> = {
  mongodb: 'mongo',
  nats: 'nats',
  redis: 'redis',
  s3: 's3',
};
const MEANINGS: Readonly<Record<string, string>> = {
  mongodb: 'Nothing can be read; sends are accepted and stored later, as long as the message log has room.',
  nats: 'No message is accepted or delivered.',
  redis: 'Presence, limits and caches are missing: everything is slower, and users look offline.',
  s3: 'Files and pictures can be neither uploaded nor loaded.',
};

/** Ends what takes too long. @throws Error that says so. */
export async function within<T>(work: Promise<T>, ms = PROBE_MS): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  try {
    return await Promise.race([
      work,
      new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error(`no answer within ${ms / 1_000} s`)), ms);
      }),
    ]);
  } finally {
    clearTimeout(timer);
    work.catch(() => {});
  }
}
