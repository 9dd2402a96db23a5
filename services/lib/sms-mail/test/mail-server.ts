import type { AddressInfo } from 'node:net';
import { CertificateAuthority } from '@im/dev-stores';
import { SMTPServer } from 'smtp-server';

/** An error with the status that a server answers. */
export function answer(status: number, text: string): Error {
  return Object.assign(new Error(text), { responseCode: status });
}

export interface MailServerOptions {
  /** Encrypted from the start. */
  readonly tls?: boolean;
  /** Offers no STARTTLS. */
  readonly plain?: boolean;
  /** Name in its certificate. */
  readonly name?: string;
  readonly onRcptTo?: () => Error | null;
  readonly onMailFrom?: () => Error | null;
  /** Judges a mail that was received; a promise that never settles keeps the client waiting. */
  readonly onMail?: (mail: string) => Error | null | Promise<Error | null>;
}

/** A real SMTP server on loopback, which asks for the user `im` with the password `pass`. */
export async function startMailServer(options: MailServerOptions = {}) {
  const { tls = false, plain = false, name = 'localhost', onMail = () => null } = options;
  const authority = CertificateAuthority.create('mail');
  const { certificate, key } = authority.issue({ usage: 'server', commonName: name, hosts: [name] });
  const mails: { readonly to: readonly string[]; readonly text: string; readonly encrypted: boolean }[] = [];
  let connections = 0;
  const server = new SMTPServer({
    secure: tls,
    cert: certificate,
    key,
    disabledCommands: plain ? ['STARTTLS'] : [],
    allowInsecureAuth: plain,
    logger: false,
    disableReverseLookup: true,
    onConnect(_session, callback) {
      connections++;
      callback();
    },
    onAuth({ username, password }, _session, callback) {
      if (username === 'im' && password === 'pass') callback(null, { user: username });
      else callback(answer(535, 'authentication failed'));
    },
    onMailFrom: (_address, _session, callback) => callback(options.onMailFrom?.()),
    onRcptTo: (_address, _session, callback) => callback(options.onRcptTo?.()),
    onData(stream, { envelope, secure }, callback) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', async () => {
        const text = Buffer.concat(chunks).toString();
        const failure = await onMail(text);
        if (!failure)
          mails.push({ to: envelope.rcptTo.map(({ address }) => address), text, encrypted: secure === true });
        callback(failure);
      });
    },
  });
  server.on('error', () => {});
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve());
  });
  return {
    port: (server.server.address() as AddressInfo).port,
    ca: authority.certificate,
    mails,
    get connections() {
      return connections;
    },
    async [Symbol.asyncDispose]() {
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
    },
  };
}
