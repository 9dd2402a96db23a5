import { DEFAULT_CONFIG } from '@im/contract';
import type {
  CredentialsRef,
  HttpRouteSettings,
  OpenIMClusterObjectStorage,
  OpenIMClusterSpec,
  PodTemplateSettings,
  ResourceSettings,
  ServiceSettings,
  StorageSettings,
  StoreTls,
  UriRef,
} from '../gen/openimcluster.ts';
import type { STORAGE } from './defaults.ts';

/** A Service with its defaults. */
export interface EffectiveService extends ServiceSettings {
  readonly type: 'ClusterIP' | 'NodePort' | 'LoadBalancer';
  readonly port: number;
}

/** A volume. */
export interface EffectiveStorage extends StorageSettings {
  readonly size: string;
}

/** A managed store. */
export interface ManagedStore {
  readonly kind: 'managed';
  readonly image: string;
  readonly storage: EffectiveStorage;
  readonly resources: ResourceSettings;
  readonly podTemplate: PodTemplateSettings;
}

/** Managed NATS. */
export interface ManagedNats extends ManagedStore {
  readonly replicas: 1 | 3;
  /** Whether every write is synced to disk before it is acknowledged. */
  readonly syncAlways: boolean;
  readonly logStorage: 'file' | 'memory';
}

/** External NATS. */
export interface ExternalNats {
  readonly kind: 'external';
  readonly servers: readonly string[];
  readonly credentialsSecretRef?: Required<CredentialsRef>;
  readonly tls?: EffectiveTls;
  readonly replicas: 1 | 3 | 5;
  readonly logMaxBytes?: number;
  readonly seqMaxBytes?: number;
}

/** An external store with a connection string in a Secret. */
export interface ExternalByUri {
  readonly kind: 'external';
  readonly uriSecretRef: Required<UriRef>;
  readonly tls?: EffectiveTls;
}

/** Managed object storage. */
export interface ManagedObjectStorage extends ManagedStore {
  readonly service: EffectiveService;
  readonly httpRoute?: HttpRouteSettings;
}

/** External object storage. */
export interface ExternalObjectStorage {
  readonly kind: 'external';
  readonly endpoint: string;
  readonly region: string;
  /** Whose rights the services have, where that is not the account in `credentialsSecretRef`. */
  readonly credentials?: 'Role';
  readonly credentialsSecretRef?: Required<CredentialsRef>;
  readonly tls?: EffectiveTls;
  readonly pathStyle?: boolean;
}

/** Object storage with its defaults. */
export type EffectiveObjectStorage = (ManagedObjectStorage | ExternalObjectStorage) & {
  readonly bucket: string;
  readonly publicURL?: string;
} & Pick<
    OpenIMClusterObjectStorage,
    'bucketPerTenant' | 'publicBaseURL' | 'accessHours' | 'corsOrigins' | 'thumbnails'
  >;

/** Name of the CA file in a store's folder, and the default key. */
export const CA_KEY = 'ca.crt';

/** A key of an object of the cluster's namespace. */
export interface KeyRef {
  readonly kind: 'Secret' | 'ConfigMap';
  readonly name: string;
  readonly key: string;
}

/** Certificates for an external store. */
export interface EffectiveTls {
  readonly ca?: KeyRef;
  /** Secret with the keys {@link CLIENT_KEYS}. */
  readonly clientCertificate?: { readonly name: string };
}

/** The settings with default keys. */
export function effectiveTls(given: StoreTls | undefined): EffectiveTls | undefined {
  if (given === undefined) return undefined;
  const { caSecretRef, caConfigMapRef, clientCertificateSecretRef } = given;
  const ref = caSecretRef ?? caConfigMapRef;
  return {
    ...(ref && {
      ca: { kind: caSecretRef ? 'Secret' : 'ConfigMap', name: ref.name, key: ref.key ?? CA_KEY } as const,
    }),
    ...(clientCertificateSecretRef && { clientCertificate: { name: clientCertificateSecretRef.name } }),
  };
}

/** Makes a managed store with its defaults. */
export type MakeStore = (
  component: keyof typeof STORAGE,
  given?: {
    image?: string;
    storage?: StorageSettings;
    resources?: ResourceSettings;
    podTemplate?: PodTemplateSettings;
  },
) => ManagedStore;

/** NATS with the defaults of the profile. */
export function effectiveNats(
  { nats, durability }: OpenIMClusterSpec,
  profile: 'Development' | 'Production',
  store: MakeStore,
): ManagedNats | ExternalNats {
  if (nats?.external) {
    const { servers, credentialsSecretRef, tls, replicas, logMaxBytes, seqMaxBytes } = nats.external;
    return {
      kind: 'external',
      servers,
      credentialsSecretRef: credentialsSecretRef && credentials(credentialsSecretRef),
      ...(tls && { tls: effectiveTls(tls) }),
      replicas: replicas ?? 3,
      ...(logMaxBytes === undefined ? {} : { logMaxBytes }),
      ...(seqMaxBytes === undefined ? {} : { seqMaxBytes }),
    };
  }
  const replicas = nats?.managed?.replicas ?? (profile === 'Production' ? 3 : 1);
  return {
    ...store('nats', nats?.managed),
    replicas: replicas === 3 ? 3 : 1,
    syncAlways: durability === undefined || durability === 'FsyncQuorum',
    logStorage: durability === 'Memory' ? 'memory' : 'file',
  };
}

/** A store that is reached by a connection string. */
export function effectiveByUri(
  component: 'mongodb' | 'redis',
  spec: OpenIMClusterSpec,
  store: MakeStore,
): ManagedStore | ExternalByUri {
  const external = spec[component]?.external;
  if (external) {
    const { uriSecretRef: ref, tls } = external;
    const uriSecretRef = { name: ref.name, key: ref.key ?? 'uri' };
    return { kind: 'external', uriSecretRef, ...(tls && { tls: effectiveTls(tls) }) };
  }
  return store(component, spec[component]?.managed);
}

/** Object storage with its defaults. */
export function effectiveObjectStorage(
  { objectStorage }: OpenIMClusterSpec,
  store: MakeStore,
  service: (component: 'objectStorage', given?: ServiceSettings) => EffectiveService,
): EffectiveObjectStorage {
  const common = {
    bucket: objectStorage?.bucket ?? DEFAULT_CONFIG.s3.bucket,
    publicURL: objectStorage?.publicURL,
    bucketPerTenant: objectStorage?.bucketPerTenant,
    publicBaseURL: objectStorage?.publicBaseURL,
    accessHours: objectStorage?.accessHours,
    corsOrigins: objectStorage?.corsOrigins,
    thumbnails: objectStorage?.thumbnails,
  };
  if (objectStorage?.external) {
    const {
      endpoint,
      region,
      credentials: from,
      credentialsSecretRef,
      tls,
      pathStyle,
    } = objectStorage.external;
    return {
      kind: 'external',
      endpoint,
      region: region ?? DEFAULT_CONFIG.s3.region,
      ...(from === 'Role' && { credentials: from }),
      ...(credentialsSecretRef && { credentialsSecretRef: credentials(credentialsSecretRef) }),
      ...(tls && { tls: effectiveTls(tls) }),
      ...(pathStyle !== undefined && { pathStyle }),
      ...common,
    };
  }
  return {
    ...store('objectStorage', objectStorage?.managed),
    service: service('objectStorage', objectStorage?.managed?.service),
    ...(objectStorage?.managed?.httpRoute && { httpRoute: objectStorage.managed.httpRoute }),
    ...common,
  };
}

function credentials(ref: CredentialsRef): Required<CredentialsRef> {
  return {
    name: ref.name,
    userKey: ref.userKey ?? 'username',
    passwordKey: ref.passwordKey ?? 'password',
  };
}
