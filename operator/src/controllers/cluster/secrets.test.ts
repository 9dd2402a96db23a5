import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Informer, KubeClient, KubeObject } from '@im/kube';
import { effectiveSpec } from '../../resources/effective.ts';
import { encoded } from '../../resources/secrets.ts';
import { SecretReader } from './secrets.ts';

const VERSION = { version: '1.0.0', image: 'openim/openim-operator:1.0.0' };

/** A reader of a namespace with one Secret. */
function readerOf(name: string, values: Record<string, string>): SecretReader {
  const metadata = { name, namespace: 'im', resourceVersion: '1' };
  const client = { get: async () => ({ metadata, data: encoded(values) }) } as unknown as KubeClient;
  const secrets = { get: (key: string) => (key === `im/${name}` ? { metadata } : undefined) };
  const none = { get: () => undefined };
  const watched = { Secret: secrets, ConfigMap: none } as unknown as Record<
    'Secret' | 'ConfigMap',
    Informer<KubeObject>
  >;
  return new SecretReader(client, watched, none);
}

test('the header for the collector of traces is read from its Secret, and a missing key is named', async () => {
  const endpoint = 'https://otel.example.com';
  const valuesOf = async (values: Record<string, string>) => {
    const tracing = { endpoint, authorizationSecretRef: { name: 'otel' } };
    const { signal } = new AbortController();
    return readerOf('otel', values).externalValues('im/chat', effectiveSpec({ tracing }, VERSION), signal);
  };
  const { sections } = await valuesOf({ authorization: 'Bearer x' });
  assert.deepEqual(sections, { '_cluster.tracing.authorization': 'Bearer x' });
  await assert.rejects(
    valuesOf({ token: 'x' }),
    /^\w*Error: spec\.tracing\.authorizationSecretRef: Secret otel has no key authorization \(its keys: token\)/,
  );
});

test('the secrets of identity providers are read from their Secrets, each under its provider', async () => {
  const rules = [{ values: ['ops'], role: 'admin' as const, tenants: ['*'] }];
  const provider = { issuer: 'https://sso.example.com', clientID: 'im', rules };
  const console = {
    publicURL: 'https://im.example.com',
    oidc: [
      { name: 'one', ...provider, clientSecretRef: { name: 'sso' } },
      { name: 'two', ...provider, clientSecretRef: { name: 'sso', key: 'second' } },
    ],
  };
  const valuesOf = (values: Record<string, string>) =>
    readerOf('sso', values).externalValues(
      'im/chat',
      effectiveSpec({ console }, VERSION),
      new AbortController().signal,
    );
  const { sections } = await valuesOf({ clientSecret: 'a', second: 'b' });
  assert.deepEqual(sections, {
    '_cluster.console.oidc.one.clientSecret': 'a',
    '_cluster.console.oidc.two.clientSecret': 'b',
  });
  await assert.rejects(
    valuesOf({ clientSecret: 'a' }),
    /^\w*Error: spec\.console\.oidc\.two\.clientSecretRef: Secret sso has no key second/,
  );
});
