import { z } from 'zod';

const file = (what: string) => z.string().max(4_096).default('').describe(what);

/** Section `tls` of a store: PEM files for connections to it. They are read again when they change. */
export const TlsConfig = z
  .strictObject({
    caFile: file(
      'File with the CA certificates (PEM) that the server is verified with, instead of those of the system.',
    ),
    certFile: file('File with the client certificate (PEM), followed by intermediate ones.'),
    keyFile: file('File with the private key (PEM) of the client certificate.'),
  })
  .refine(({ certFile, keyFile }) => (certFile === '') === (keyFile === ''), {
    path: ['keyFile'],
    error: 'certFile and keyFile must be set together',
  })
  .prefault({})
  .describe('Files for TLS. Changed files are used by new connections, without a restart.');

/** Files for TLS with one store; empty names are absent ones. */
export type TlsConfig = z.infer<typeof TlsConfig>;

/** Whether any file is named. */
export function isTlsConfigured({ caFile, certFile, keyFile }: TlsConfig): boolean {
  return caFile !== '' || certFile !== '' || keyFile !== '';
}
