import { isIP } from 'node:net';
import type { MailSettings } from '@im/contract';
import { createTransport } from 'nodemailer';
import { type Outcome, refused } from './outcome.ts';
import { guardedSocket, type Line } from './smtp-line.ts';
import { outcomeOfSmtp } from './smtp-outcome.ts';

/** A mail to one or more mailboxes. */
export interface Mail {
  /** Names the mail: the same in every attempt, so that servers recognize a repetition. */
  readonly id: string;
  readonly to: readonly string[];
  readonly subject: string;
  readonly text: string;
  /** Empty: none. */
  readonly html: string;
}

/** Sends mail through the SMTP server of one tenant. */
export interface Mailer {
  /** Sends a mail, once. Never rejects. */
  send(mail: Mail, signal: AbortSignal): Promise<Outcome>;
}

export interface MailerOptions {
  /** Internal networks in which servers may be. @default none */
  readonly allowedNetworks?: readonly string[];
}

/** Of the connection, of the greeting, and of any other answer. */
const CONNECT_MS = 5_000;
const IDLE_MS = 10_000;

/** A mailer; each mail has a connection to itself, which nothing else waits for. */
export function createMailer(settings: MailSettings, { allowedNetworks = [] }: MailerOptions = {}): Mailer {
  const { host, port, security, ca, user, password, from, fromName } = settings;
  const domain = from.slice(from.indexOf('@') + 1);
  const openLine = guardedSocket({ host, port, connectMs: CONNECT_MS, allowedNetworks });

  function transportOf(line: Line) {
    return createTransport({
      host,
      port,
      name: domain,
      secure: security === 'tls',
      requireTLS: security === 'starttls',
      ignoreTLS: security === 'none',
      ...(user !== '' && { auth: { user, pass: password } }),
      tls: { minVersion: 'TLSv1.2', ...(ca && { ca }), ...(isIP(host) === 0 && { servername: host }) },
      connectionTimeout: CONNECT_MS,
      greetingTimeout: CONNECT_MS,
      socketTimeout: IDLE_MS,
      disableFileAccess: true,
      disableUrlAccess: true,
      getSocket: (_options, callback) => line.open(callback),
    });
  }

  return {
    async send({ id, to, subject, text, html }, signal) {
      if (signal.aborted) return refused('unavailable', 'no time left');
      const line = openLine(signal);
      try {
        const sent = await transportOf(line).sendMail({
          messageId: `<${id}@${domain}>`,
          from: { name: fromName, address: from },
          to: to.map((address) => ({ name: '', address })),
          subject,
          text,
          ...(html !== '' && { html }),
          headers: { 'Auto-Submitted': 'auto-generated' },
        });
        return { kind: 'sent', id: sent.messageId };
      } catch (error) {
        return outcomeOfSmtp(error, line);
      } finally {
        line.close();
      }
    },
  };
}
