import { X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { createSecureContext, type SecureContext } from 'node:tls';
import { isTlsConfigured, type TlsConfig } from '@im/contract';
import { messageOf } from '@im/kit';
import type { Logger } from './log.ts';

/** What the files of a {@link TlsConfig} hold. */
interface TlsTexts {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

const FIELDS = { ca: 'caFile', cert: 'certFile', key: 'keyFile' } as const;

/**
 * A context for `tls.connect` that follows its files: every new connection looks whether they have changed. While they
 * cannot be used, the last usable ones stay in force, which is logged.
 * @param section of the config, such as `redis.tls`; for messages.
 * @returns undefined when no file is named.
 * @throws Error that names the setting whose file cannot be used.
 */
export function tlsContext(
  files: TlsConfig | undefined,
  section: string,
  log: Pick<Logger, 'info' | 'warn'>,
): SecureContext | undefined {
  if (files === undefined || !isTlsConfigured(files)) return undefined;
  let state = stateOf(files);
  let current = contextOf(files, section);
  return {
    /** The native context, which `tls.connect` reads once per connection. */
    get context(): unknown {
      const now = stateOf(files);
      if (now !== state) {
        // Noted even if the files are unusable, so that they are read, and reported, once.
        state = now;
        try {
          current = contextOf(files, section);
          log.info({ section }, 'files for TLS were loaded again');
        } catch (error) {
          log.warn(
            { section, err: error },
            'changed files for TLS are unusable; the former ones stay in force',
          );
        }
      }
      return current.context;
    },
  };
}

/**
 * Checks the files of a section as {@link tlsContext} reads them.
 * @returns what is wrong, naming the setting; undefined when nothing is.
 */
export function tlsFault(files: TlsConfig, section: string): string | undefined {
  try {
    if (isTlsConfigured(files)) contextOf(files, section);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

/** Identity of the present files. Mounted volumes are replaced as a whole, by another symbolic link. */
function stateOf(files: TlsConfig): string {
  return Object.values(FIELDS)
    .map((field) => {
      if (files[field] === '') return '';
      const stat = statSync(files[field], { throwIfNoEntry: false });
      return stat === undefined ? 'missing' : `${stat.ino}:${stat.mtimeMs}:${stat.size}`;
    })
    .join(' ');
}

function contextOf(files: TlsConfig, section: string): SecureContext {
  const texts: TlsTexts = { ca: read('ca'), cert: read('cert'), key: read('key') };
  const { ca, cert } = texts;
  if (ca !== undefined) requireCertificates(ca, 'ca');
  if (cert !== undefined) requireCertificates(cert, 'cert');
  try {
    return createSecureContext(texts);
  } catch (error) {
    throw new Error(
      `${section}.keyFile: ${files.keyFile} is not the private key of ${files.certFile} (${messageOf(error)}); name files that belong together`,
      { cause: error },
    );
  }

  function read(kind: keyof typeof FIELDS): string | undefined {
    const path = files[FIELDS[kind]];
    if (path === '') return undefined;
    try {
      return readFileSync(path, 'utf8');
    } catch (error) {
      throw new Error(`${section}.${FIELDS[kind]}: ${messageOf(error)}; correct the name`, { cause: error });
    }
  }

  function requireCertificates(text: string, kind: 'ca' | 'cert'): void {
    const found = pemCertificates(text);
    const where = `${section}.${FIELDS[kind]}: ${files[FIELDS[kind]]}`;
    if (found.length === 0)
      throw new Error(`${where} has no PEM certificate; name a file with -----BEGIN CERTIFICATE-----`);
    for (const each of found) {
      try {
        new X509Certificate(each);
      } catch (error) {
        throw new Error(`${where} has an invalid certificate (${messageOf(error)}); correct the file`, {
          cause: error,
        });
      }
    }
  }
}

/** The certificates in a PEM text. */
export function pemCertificates(text: string): string[] {
  return text.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? [];
}
