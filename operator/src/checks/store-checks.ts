import type { EffectiveSpec } from '../resources/effective.ts';
import { nameOf, type Owner } from '../resources/names.ts';
import { endpointsOf, mongodbMember } from '../resources/stores/credentials.ts';
import { REPLICA_SET } from '../resources/stores/mongodb.ts';
import type { CheckResult, CheckSource, CheckTls } from './check.ts';
import type { StoreOwner } from './identity.ts';

/** A check of one store. It rejects only when its signal aborts. */
export type StoreCheck = (signal: AbortSignal) => Promise<CheckResult>;

/**
 * The checks of a cluster's stores, by their names in the spec. No connection is made and no driver is loaded before a
 * check is called: a replica that does not lead needs none. A check imports its driver as a whole, because a bundled
 * CommonJS package has no named exports for `import()`.
 */
export function storeChecks({
  owner,
  effective,
  connection,
  identity,
  tls = {},
}: {
  readonly owner: Owner;
  readonly effective: EffectiveSpec;
  /** Values of the Secret `nameOf.connection`. */
  readonly connection: Readonly<Record<string, string>>;
  /** The cluster that external stores are to belong to. */
  readonly identity?: StoreOwner | undefined;
  /** Certificates for external stores, as PEM. */
  readonly tls?: Readonly<Partial<Record<'nats' | 'mongodb' | 'redis' | 'objectStorage', CheckTls>>>;
}): Record<'nats' | 'mongodb' | 'redis' | 'objectStorage', StoreCheck> {
  const { nats, mongodb, redis, objectStorage } = effective;
  const endpoints = endpointsOf({ owner, effective });
  const own = nameOf.credentials(owner.name);
  const managed = (field: string): CheckSource => ({
    managed: true,
    addressField: `${field}.managed`,
    accountField: `${field}.managed`,
    secret: own,
  });
  const byUri = (field: string, secret: string): CheckSource => ({
    managed: false,
    addressField: `${field}.external.uriSecretRef`,
    accountField: `${field}.external.uriSecretRef`,
    secret,
  });
  const withAccount = (field: string, address: string, secret: string | undefined): CheckSource => ({
    managed: false,
    addressField: `${field}.external.${address}`,
    accountField: `${field}.external.credentialsSecretRef`,
    secret,
  });
  const value = (key: string) => connection[key] ?? '';
  return {
    nats: async (signal) =>
      (await import('./nats.ts')).checkNats(
        {
          source:
            nats.kind === 'managed'
              ? managed('spec.nats')
              : withAccount('spec.nats', 'servers', nats.credentialsSecretRef?.name),
          servers: endpoints.natsServers,
          user: connection['nats-user'],
          password: connection['nats-password'],
          replicas: nats.replicas,
          owner: nats.kind === 'external' ? identity : undefined,
          tls: tls.nats,
        },
        signal,
      ),
    mongodb: async (signal) =>
      (await import('./mongodb.ts')).checkMongodb(
        {
          source:
            mongodb.kind === 'managed'
              ? managed('spec.mongodb')
              : byUri('spec.mongodb', mongodb.uriSecretRef.name),
          uri: value('mongodb-uri'),
          database: mongodb.database,
          owner: mongodb.kind === 'external' ? identity : undefined,
          tls: tls.mongodb,
          initiate:
            mongodb.kind === 'managed'
              ? { replicaSet: REPLICA_SET, member: mongodbMember(owner) }
              : undefined,
        },
        signal,
      ),
    redis: async (signal) =>
      (await import('./redis.ts')).checkRedis(
        {
          source:
            redis.kind === 'managed' ? managed('spec.redis') : byUri('spec.redis', redis.uriSecretRef.name),
          uri: value('redis-uri'),
          owner: redis.kind === 'external' ? identity : undefined,
          tls: tls.redis,
        },
        signal,
      ),
    objectStorage: async (signal) =>
      (await import('./s3.ts')).checkS3(
        {
          source:
            objectStorage.kind === 'managed'
              ? managed('spec.objectStorage')
              : withAccount('spec.objectStorage', 'endpoint', objectStorage.credentialsSecretRef?.name),
          endpoint: endpoints.s3Endpoint,
          region: endpoints.s3Region,
          pathStyle: objectStorage.kind === 'external' ? objectStorage.pathStyle : undefined,
          keys:
            connection['s3-access-key'] === undefined
              ? undefined
              : { accessKey: value('s3-access-key'), secretKey: value('s3-secret-key') },
          tls: tls.objectStorage,
          bucket: objectStorage.bucket,
          owner: objectStorage.kind === 'external' ? identity : undefined,
        },
        signal,
      ),
  };
}
