import type { TlsConfig } from '@im/contract';
import type { Container, PodSpec } from '@im/kube';
import type { EffectiveSpec } from './effective.ts';
import { CA_KEY, type EffectiveTls } from './effective-stores.ts';

/** A volume of a pod. */
export type Volume = NonNullable<PodSpec['volumes']>[number];
type VolumeMount = NonNullable<Container['volumeMounts']>[number];
type VolumeProjection = NonNullable<NonNullable<Volume['projected']>['sources']>[number];

/** Where pods find the certificates for external stores, in a folder per store. */
export const STORE_TLS_DIR = '/etc/openim/store-tls';
const VOLUME = 'store-tls';
/** Keys of a Secret of type kubernetes.io/tls. */
export const CLIENT_KEYS = { certificate: 'tls.crt', key: 'tls.key' } as const;

/** External stores, by their sections in the spec. */
export const EXTERNAL_STORES = ['nats', 'mongodb', 'redis', 'objectStorage'] as const;
export type ExternalStore = (typeof EXTERNAL_STORES)[number];

/** Certificates for a store; undefined for a managed one, and without settings. */
export function tlsOf(effective: EffectiveSpec, store: ExternalStore): EffectiveTls | undefined {
  const settings = effective[store];
  return settings.kind === 'external' ? settings.tls : undefined;
}

/** The section `tls` of the services' config for a store. */
export function tlsConfig(effective: EffectiveSpec, store: ExternalStore): Partial<TlsConfig> | undefined {
  const tls = tlsOf(effective, store);
  if (!tls) return undefined;
  const file = (name: string) => `${STORE_TLS_DIR}/${store}/${name}`;
  return {
    ...(tls.ca && { caFile: file(CA_KEY) }),
    ...(tls.clientCertificate && {
      certFile: file(CLIENT_KEYS.certificate),
      keyFile: file(CLIENT_KEYS.key),
    }),
  };
}

/**
 * The volume with the certificates for all external stores, and its mount; none without such settings. The kubelet
 * updates the files when a Secret or ConfigMap changes, and the services read them again.
 */
export function storeTlsVolume(
  effective: EffectiveSpec,
): { readonly volume: Volume; readonly mount: VolumeMount } | undefined {
  const sources = EXTERNAL_STORES.flatMap((store) => projections(store, tlsOf(effective, store)));
  if (sources.length === 0) return undefined;
  return {
    volume: { name: VOLUME, projected: { sources, defaultMode: 0o440 } },
    mount: { name: VOLUME, mountPath: STORE_TLS_DIR, readOnly: true },
  };
}

function projections(store: ExternalStore, tls: EffectiveTls | undefined): VolumeProjection[] {
  const { ca, clientCertificate } = tls ?? {};
  const item = (key: string, file = key) => ({ key, path: `${store}/${file}` });
  return [
    ...(ca
      ? [
          {
            [ca.kind === 'Secret' ? 'secret' : 'configMap']: { name: ca.name, items: [item(ca.key, CA_KEY)] },
          },
        ]
      : []),
    ...(clientCertificate
      ? [
          {
            secret: {
              name: clientCertificate.name,
              items: [item(CLIENT_KEYS.certificate), item(CLIENT_KEYS.key)],
            },
          },
        ]
      : []),
  ];
}
