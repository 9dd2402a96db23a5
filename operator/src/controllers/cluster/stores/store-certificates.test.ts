import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CertificateAuthority } from '@im/dev-stores';
import { effectiveSpec } from '../../../resources/effective.ts';
import type { KeyRef } from '../../../resources/effective-stores.ts';
import { BrokenReferenceError } from '../broken-reference.ts';
import { storeCertificates } from './store-certificates.ts';

const authority = CertificateAuthority.create('ca');
const [client, other] = [1, 2].map(() => authority.issue({ commonName: 'im', usage: 'client' }));
assert.ok(client && other);
const effective = effectiveSpec(
  {
    redis: {
      external: {
        uriSecretRef: { name: 'r' },
        tls: { caConfigMapRef: { name: 'ca' }, clientCertificateSecretRef: { name: 'me' } },
      },
    },
  },
  { version: '1.0.0', image: 'im:1.0.0' },
);

const read = (values: Record<string, string>) =>
  storeCertificates(
    effective,
    async (_field, { kind, name, key }: KeyRef) => values[`${kind}/${name}/${key}`] ?? '',
  );

const GOOD = {
  'ConfigMap/ca/ca.crt': authority.certificate,
  'Secret/me/tls.crt': `${client.certificate}${authority.certificate}`,
  'Secret/me/tls.key': client.key,
};

test('the certificates of a store are read by their default keys', async () => {
  assert.deepEqual(await read(GOOD), {
    redis: {
      ca: GOOD['ConfigMap/ca/ca.crt'],
      cert: GOOD['Secret/me/tls.crt'],
      key: GOOD['Secret/me/tls.key'],
    },
  });
});

test('what no connection could be made with is refused by field, object and key', async () => {
  const tls = 'spec.redis.external.tls';
  for (const [change, reason, message] of [
    [
      { 'ConfigMap/ca/ca.crt': 'nonsense' },
      'ConfigMapInvalid',
      `${tls}.caConfigMapRef: the value of key ca.crt in ConfigMap ca has no PEM certificate (-----BEGIN CERTIFICATE-----); correct it`,
    ],
    [
      { 'Secret/me/tls.crt': client.certificate.replaceAll('M', 'N') },
      'SecretInvalid',
      `${tls}.clientCertificateSecretRef: the value of key tls.crt in Secret me has a certificate that cannot be read; correct it`,
    ],
    [
      { 'Secret/me/tls.key': other.key },
      'SecretInvalid',
      `${tls}.clientCertificateSecretRef: the value of key tls.key in Secret me is not the private key of tls.crt; correct it`,
    ],
  ] as const) {
    await assert.rejects(read({ ...GOOD, ...change }), (error: unknown) => {
      assert.ok(error instanceof BrokenReferenceError);
      assert.deepEqual(error.refusal, { reason, message });
      return true;
    });
  }
});
