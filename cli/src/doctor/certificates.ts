import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { connect } from 'node:tls';
import { type Finding, fine } from './finding.ts';
import { reached, THRESHOLDS } from './thresholds.ts';

const CONNECT_MS = 5_000;
const DAY_MS = 86_400_000;

/** Whether a certificate is valid, and for how long. */
export function certificateFinding(
  subject: string,
  { validFrom, validTo }: { readonly validFrom: string; readonly validTo: string },
  now: number,
  renew: string,
): Finding {
  const check = 'certificate.validity';
  const [from, until] = [Date.parse(validFrom), Date.parse(validTo)];
  const shared = { check, subject, remedy: renew };
  if (from > now) {
    return {
      ...{ ...shared, severity: 'critical' as const },
      message: `not valid before ${new Date(from).toISOString()}`,
      meaning: 'Connections are refused until then.',
      remedy: `Check the clock of this machine; ${renew}`,
    };
  }
  const days = Math.floor(Math.abs(until - now) / DAY_MS);
  if (until <= now) {
    return {
      ...{ ...shared, severity: 'critical' as const },
      message: `expired ${days} days ago, on ${new Date(until).toISOString()}`,
      meaning: 'Connections that verify it are refused.',
    };
  }
  const severity = reached(until - now, THRESHOLDS.certificateMs);
  const message = `expires in ${days} days, on ${new Date(until).toISOString()}`;
  if (severity === 'ok') return fine(check, subject, message);
  return { ...shared, severity, message, meaning: 'From then on connections that verify it are refused.' };
}

const PEM = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/** The certificates of a PEM text. */
export function pemFindings(subject: string, text: string, now: number, renew: string): Finding[] {
  return (text.match(PEM) ?? []).map((pem) => {
    const certificate = new X509Certificate(pem);
    return certificateFinding(
      `${subject} (${certificate.subject.replaceAll('\n', ', ')})`,
      certificate,
      now,
      renew,
    );
  });
}

/** The certificates of a file that a config names. */
export function fileFindings(setting: string, path: string, now: number): Finding[] {
  if (path === '') return [];
  try {
    const renew = `Renew it and replace the file; ${setting} is read again when it changes.`;
    return pemFindings(`${setting} ${path}`, readFileSync(path, 'utf8'), now, renew);
  } catch (error) {
    return [
      {
        ...{ check: 'certificate.validity', subject: `${setting} ${path}`, severity: 'critical' },
        message: `cannot be used: ${error instanceof Error ? error.message : error}`,
        meaning: 'A process with this config does not start.',
        remedy:
          'Correct the name or the contents of the file; openimctl config check says whether it is valid.',
      },
    ];
  }
}

/**
 * The certificate that a server shows. It need not be trusted: an expired one is what is looked for.
 * @returns undefined when there is no answer, which other checks report.
 */
export async function peerFinding(
  subject: string,
  host: string,
  port: number,
  now: number,
): Promise<Finding | undefined> {
  const bare = host.replace(/^\[|\]$/g, '');
  const socket = connect({
    ...{ host: bare, port, rejectUnauthorized: false },
    ...(isIP(bare) === 0 && { servername: bare }),
  });
  try {
    await once(socket, 'secureConnect', { signal: AbortSignal.timeout(CONNECT_MS) });
    const { valid_from: validFrom, valid_to: validTo } = socket.getPeerCertificate();
    if (!validTo) return undefined;
    return certificateFinding(subject, { validFrom, validTo }, now, 'Renew the certificate of this server.');
  } catch {
    return undefined;
  } finally {
    socket.destroy();
  }
}
