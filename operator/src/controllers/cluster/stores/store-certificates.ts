import { createPrivateKey, X509Certificate } from 'node:crypto';
import { pemCertificates } from '@im/process';
import type { CheckTls } from '../../../checks/check.ts';
import type { EffectiveSpec } from '../../../resources/effective.ts';
import type { KeyRef } from '../../../resources/effective-stores.ts';
import { CLIENT_KEYS, EXTERNAL_STORES, type ExternalStore, tlsOf } from '../../../resources/store-tls.ts';
import { type BrokenReason, BrokenReferenceError } from '../broken-reference.ts';

/** Certificates for external stores, by their sections in the spec. */
export type StoreCertificates = Readonly<Partial<Record<ExternalStore, CheckTls>>>;

/**
 * Reads and checks the certificates that a spec refers to, so that no pod starts with files that it cannot use.
 * @param readValue reads one value; rejects when it is missing.
 * @throws BrokenReferenceError that names field, object and key, and never quotes a value.
 */
export async function storeCertificates(
  effective: EffectiveSpec,
  readValue: (field: string, ref: KeyRef) => Promise<string>,
): Promise<StoreCertificates> {
  const found: Partial<Record<ExternalStore, CheckTls>> = {};
  for (const store of EXTERNAL_STORES) {
    const tls = tlsOf(effective, store);
    if (!tls) continue;
    const field = `spec.${store}.external.tls`;
    const { ca, clientCertificate } = tls;
    found[store] = {
      ...(ca && { ca: await caOf(`${field}.ca${ca.kind}Ref`, ca, readValue) }),
      ...(clientCertificate &&
        (await clientOf(`${field}.clientCertificateSecretRef`, clientCertificate.name, readValue))),
    };
  }
  return found;
}

type ReadValue = Parameters<typeof storeCertificates>[1];

async function caOf(field: string, ref: KeyRef, readValue: ReadValue): Promise<string> {
  const text = await readValue(field, ref);
  requireCertificates(field, ref, text);
  return text;
}

async function clientOf(field: string, name: string, readValue: ReadValue): Promise<CheckTls> {
  const ref = (key: string): KeyRef => ({ kind: 'Secret', name, key });
  const cert = await readValue(field, ref(CLIENT_KEYS.certificate));
  const key = await readValue(field, ref(CLIENT_KEYS.key));
  const leaf = requireCertificates(field, ref(CLIENT_KEYS.certificate), cert);
  if (!belongs(leaf, key)) {
    throw invalid(field, ref(CLIENT_KEYS.key), `is not the private key of ${CLIENT_KEYS.certificate}`);
  }
  return { cert, key };
}

function belongs(leaf: X509Certificate, key: string): boolean {
  try {
    return leaf.checkPrivateKey(createPrivateKey(key));
  } catch {
    return false;
  }
}

/** @returns the first certificate. */
function requireCertificates(field: string, ref: KeyRef, text: string): X509Certificate {
  try {
    const [first] = pemCertificates(text).map((block) => new X509Certificate(block));
    if (first) return first;
  } catch {
    throw invalid(field, ref, 'has a certificate that cannot be read');
  }
  throw invalid(field, ref, 'has no PEM certificate (-----BEGIN CERTIFICATE-----)');
}

function invalid(field: string, { kind, name, key }: KeyRef, fault: string): BrokenReferenceError {
  return new BrokenReferenceError({
    reason: `${kind}Invalid` satisfies BrokenReason,
    message: `${field}: the value of key ${key} in ${kind} ${name} ${fault}; correct it`,
  });
}
