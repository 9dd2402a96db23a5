import { messageOf } from '@im/kit';
import { type Outcome, refused, unknown } from './outcome.ts';
import type { Line } from './smtp-line.ts';

/** What an error of nodemailer says of a mail. */
export function outcomeOfSmtp(
  error: unknown,
  { connected, forbidden }: Pick<Line, 'connected' | 'forbidden'>,
): Outcome {
  const text = messageOf(error);
  if (forbidden)
    return refused('network', `${text}; the operator of the cluster allows such by webhooks.allowedNetworks`);
  if (!connected) return refused('unavailable', text);
  const { code, command = '', responseCode } = fieldsOf(error);
  if (responseCode !== undefined) return outcomeOfAnswer(responseCode, command, code, text);
  // Nothing of a mail goes out before these are over.
  if (code === 'ETLS' || code === 'EREQUIRETLS' || /^STARTTLS/.test(command)) return refused('tls', text);
  if (/CERT|SSL|SELF_SIGNED|UNABLE_TO|ALTNAME|certificate/i.test(`${code} ${text}`))
    return refused('tls', text);
  if (code === 'EAUTH' || code === 'ENOAUTH') return refused('credentials', text);
  if (code === 'EENVELOPE') return refused('address', text);
  return unknown(text);
}

/** RFC 5321: 4xx may succeed later, 5xx never; both say that the mail was not taken. */
function outcomeOfAnswer(status: number, command: string, code: string, text: string): Outcome {
  if (status < 500) return refused(status === 454 && command === 'STARTTLS' ? 'tls' : 'unavailable', text);
  if (code === 'EAUTH' || command.startsWith('AUTH') || status === 530) return refused('credentials', text);
  if (command.startsWith('STARTTLS')) return refused('tls', text);
  if (command.startsWith('RCPT')) return refused('address', text);
  return refused('rejected', text);
}

interface SmtpFields {
  readonly code: string;
  readonly command: string | undefined;
  readonly responseCode: number | undefined;
}

function fieldsOf(error: unknown): SmtpFields {
  const { code, command, responseCode } = (error ?? {}) as Readonly<Record<string, unknown>>;
  return {
    code: typeof code === 'string' ? code : '',
    command: typeof command === 'string' ? command : undefined,
    responseCode: typeof responseCode === 'number' ? responseCode : undefined,
  };
}
