import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
} from 'node:crypto';
import { isIPv4 } from 'node:net';
import {
  bitString,
  boolean,
  context,
  generalizedTime,
  integer,
  objectIdentifier,
  octetString,
  sequence,
  set,
  utf8String,
} from './der.ts';

/** A certificate and its private key, both PEM. */
export interface KeyPair {
  readonly certificate: string;
  readonly key: string;
}

/** Whom a certificate names. Kubernetes reads the user from the common name, groups from the organizations. */
export interface Subject {
  readonly commonName: string;
  readonly organizations?: readonly string[];
}

/** What a certificate may be used for. */
export type LeafRequest = Subject & {
  /** Time from now until it expires, ms; below 0 it has expired. @default ten years */
  readonly validForMs?: number;
} & (
    | { readonly usage: 'client' }
    | {
        readonly usage: 'server';
        /** DNS names and IPv4 addresses that it is valid for. */
        readonly hosts: readonly string[];
      }
  );

const OID = {
  commonName: '2.5.4.3',
  organization: '2.5.4.10',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  extendedKeyUsage: '2.5.29.37',
  server: '1.3.6.1.5.5.7.3.1',
  client: '1.3.6.1.5.5.7.3.2',
} as const;

const YEAR_MS = 365 * 24 * 3600 * 1000;
const VALID_YEARS = 10;
/** Clocks of containers may be behind. */
const BACKDATED_MS = 3600 * 1000;

/** Signs certificates with P-256 keys, for clusters that live on one machine. X.509 as in RFC 5280. */
export class CertificateAuthority {
  readonly name: string;
  /** PEM of the certificate that clients and servers trust. */
  readonly certificate: string;
  /** PEM. */
  readonly key: string;

  /** An authority made before. */
  constructor(name: string, pair: KeyPair) {
    this.name = name;
    this.certificate = pair.certificate;
    this.key = pair.key;
  }

  static create(name: string): CertificateAuthority {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const key = pemOf(privateKey);
    const subject = { commonName: name };
    const extensions = [
      extension(OID.basicConstraints, true, sequence(boolean(true))),
      // digitalSignature, keyCertSign, cRLSign
      extension(OID.keyUsage, true, bitString(Buffer.from([0b1000_0110]), 1)),
    ];
    return new CertificateAuthority(name, {
      certificate: makeCertificate(subject, key, subject, key, extensions),
      key,
    });
  }

  issue(request: LeafRequest): KeyPair {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const key = pemOf(privateKey);
    const extensions = [
      extension(OID.basicConstraints, true, sequence()),
      extension(OID.keyUsage, true, bitString(Buffer.from([0b1000_0000]), 7)),
      extension(OID.extendedKeyUsage, false, sequence(objectIdentifier(OID[request.usage]))),
    ];
    if (request.usage === 'server') {
      extensions.push(extension(OID.subjectAltName, false, sequence(...request.hosts.map(generalName))));
    }
    const issuer = { commonName: this.name };
    return {
      certificate: makeCertificate(request, key, issuer, this.key, extensions, request.validForMs),
      key,
    };
  }
}

function makeCertificate(
  subject: Subject,
  subjectKey: string,
  issuer: Subject,
  issuerKey: string,
  extensions: readonly Buffer[],
  validForMs = VALID_YEARS * YEAR_MS,
): string {
  const algorithm = sequence(objectIdentifier(OID.ecdsaWithSha256));
  const now = Date.now();
  const content = sequence(
    context(0, true, integer(Buffer.from([2]))),
    integer(randomBytes(16)),
    algorithm,
    distinguishedName(issuer),
    sequence(
      generalizedTime(new Date(now + Math.min(0, validForMs) - BACKDATED_MS)),
      generalizedTime(new Date(now + validForMs)),
    ),
    distinguishedName(subject),
    createPublicKey(subjectKey).export({ type: 'spki', format: 'der' }),
    context(3, true, sequence(...extensions)),
  );
  const signature = sign('sha256', content, createPrivateKey(issuerKey));
  return pem('CERTIFICATE', sequence(content, algorithm, bitString(signature)));
}

function distinguishedName({ commonName, organizations = [] }: Subject): Buffer {
  const attribute = (oid: string, value: string): Buffer =>
    set(sequence(objectIdentifier(oid), utf8String(value)));
  return sequence(
    ...organizations.map((name) => attribute(OID.organization, name)),
    attribute(OID.commonName, commonName),
  );
}

function extension(oid: string, critical: boolean, value: Buffer): Buffer {
  return sequence(objectIdentifier(oid), ...(critical ? [boolean(true)] : []), octetString(value));
}

/** Source: RFC 5280 section 4.2.1.6, dNSName and iPAddress. */
function generalName(host: string): Buffer {
  return isIPv4(host)
    ? context(7, false, Buffer.from(host.split('.').map(Number)))
    : context(2, false, Buffer.from(host));
}

function pemOf(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}

function pem(label: string, der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
