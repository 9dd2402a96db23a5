import { randomBytes, randomUUID } from 'node:crypto';
import type { StoreEndpoints } from '../config.ts';
import type { EffectiveSpec } from '../effective.ts';
import { nameOf, type Owner, STORE_PORTS, type StoreName } from '../names.ts';
import { credential, podHost } from './store-set.ts';

/** A key by which the processes of a cluster authenticate to each other. */
export function makeRpcKey(): string {
  return randomBytes(32).toString('base64url');
}

/** Random passwords of managed stores, and the key of the cluster; no character needs quoting in URLs and config files. */
export function makeCredentials(): Record<string, string> {
  const secret = () => randomBytes(24).toString('hex');
  return {
    natsUser: 'openim',
    natsPassword: secret(),
    redisPassword: secret(),
    mongodbUser: 'openim',
    mongodbPassword: secret(),
    // Between 6 and 1024 characters of base64.
    mongodbKeyfile: randomBytes(384).toString('base64'),
    s3AccessKey: randomBytes(10).toString('hex').toUpperCase(),
    s3SecretKey: secret(),
    rpcKey: makeRpcKey(),
    // Recorded in external stores, so that two clusters do not share one.
    clusterID: randomUUID(),
  };
}

/** Credentials of external stores, from Secrets of users. */
export interface ExternalConnection {
  readonly nats?: { readonly user: string; readonly password: string };
  readonly mongodbUri?: string;
  readonly redisUri?: string;
  readonly s3?: { readonly accessKey: string; readonly secretKey: string };
}

/** Input of {@link connectionOf}. */
export interface ConnectionInput {
  readonly owner: Owner;
  readonly effective: EffectiveSpec;
  readonly credentials: Readonly<Record<string, string>>;
  readonly external: ExternalConnection;
}

/**
 * The values of the Secret `nameOf.connection`: `nats-user` and `nats-password` (absent for an external NATS without
 * credentials), `mongodb-uri`, `redis-uri`, `s3-access-key` and `s3-secret-key` (absent where the pods have a role), and
 * `rpc-key`, also for images that do not read it: a config that refers to it must not reach a pod before it does.
 * @throws when an external value that the spec refers to was not given.
 */
export function connectionOf({
  owner,
  effective,
  credentials,
  external,
}: ConnectionInput): Record<string, string> {
  const made = (key: string) => credential({ credentials }, key);
  const nats =
    effective.nats.kind === 'managed'
      ? { user: made('natsUser'), password: made('natsPassword') }
      : external.nats;
  const s3 =
    effective.objectStorage.kind === 'managed'
      ? { accessKey: made('s3AccessKey'), secretKey: made('s3SecretKey') }
      : effective.objectStorage.credentialsSecretRef
        ? given('s3', external.s3)
        : undefined;
  return {
    ...(nats && { 'nats-user': nats.user, 'nats-password': nats.password }),
    'mongodb-uri':
      effective.mongodb.kind === 'managed'
        ? mongodbUri(owner, made('mongodbUser'), made('mongodbPassword'))
        : given('mongodbUri', external.mongodbUri),
    'redis-uri':
      effective.redis.kind === 'managed'
        ? `redis://:${made('redisPassword')}@${serviceHost(owner, 'redis')}:${STORE_PORTS.redis}`
        : given('redisUri', external.redisUri),
    ...(s3 && { 's3-access-key': s3.accessKey, 's3-secret-key': s3.secretKey }),
    'rpc-key': made('rpcKey'),
  };
}

/** Addresses of the stores, without secrets. */
export function endpointsOf({
  owner,
  effective,
}: Pick<ConnectionInput, 'owner' | 'effective'>): StoreEndpoints {
  const { nats, objectStorage } = effective;
  return {
    natsServers: nats.kind === 'external' ? nats.servers : natsServers(owner, nats.replicas),
    natsReplicas: nats.replicas,
    s3Endpoint:
      objectStorage.kind === 'external'
        ? objectStorage.endpoint
        : `http://${serviceHost(owner, 'object-storage')}:${objectStorage.service.port}`,
    s3Region: objectStorage.kind === 'external' ? objectStorage.region : 'us-east-1',
  };
}

/** Host and port of the one member of the managed replica set, as in its configuration. */
export function mongodbMember(owner: Owner): string {
  return `${podHost(owner, 'mongodb', 0)}:${STORE_PORTS.mongodb}`;
}

/**
 * A direct connection: the set has one member, and MongoDB-compatible servers announce another name for it, which a
 * driver that discovers the members of the set could not reach.
 */
function mongodbUri(owner: Owner, user: string, password: string): string {
  return `mongodb://${user}:${password}@${mongodbMember(owner)}/?authSource=admin&directConnection=true`;
}

/** A single node is reached by its Service; three by their names, so that clients detect a dead one. */
function natsServers(owner: Owner, replicas: number): string[] {
  if (replicas === 1) return [`nats://${serviceHost(owner, 'nats')}:${STORE_PORTS.nats.client}`];
  return Array.from(
    { length: replicas },
    (_, ordinal) => `nats://${podHost(owner, 'nats', ordinal)}:${STORE_PORTS.nats.client}`,
  );
}

function serviceHost(owner: Owner, component: StoreName): string {
  return `${nameOf.component(owner.name, component)}.${owner.namespace}.svc`;
}

function given<T>(name: string, value: T | undefined): T {
  if (value === undefined) throw new Error(`${name} of an external store was not given`);
  return value;
}
