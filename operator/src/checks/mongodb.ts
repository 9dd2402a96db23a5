import { MINIMUM_VERSIONS } from '@im/contract';
import { type Document, MongoClient } from 'mongodb';
import {
  CHECK_TIMEOUT_MS,
  type CheckDetail,
  CheckError,
  type CheckResult,
  type CheckSource,
  type CheckTls,
  certificateFault,
  isAtLeast,
  refused,
  runCheck,
  tooOld,
} from './check.ts';
import { claimStore, type RecordedOwner, type StoreOwner } from './identity.ts';

/** Address and account of MongoDB. */
export interface MongodbTarget {
  readonly source: CheckSource;
  readonly uri: string;
  readonly database: string;
  /** The cluster that the database is to belong to. @default not checked */
  readonly owner?: StoreOwner | undefined;
  readonly tls?: CheckTls | undefined;
  /** For a managed set: its name, and host and port of its one member. */
  readonly initiate?: { readonly replicaSet: string; readonly member: string } | undefined;
}

/** Collection with the record of the cluster that the database belongs to. */
const OWNER = { collection: 'openim_cluster', key: { _id: 'owner' } } as const;

/** Error codes of the server. */
const CODE = {
  unauthorized: 13,
  authenticationFailed: 18,
  alreadyInitialized: 23,
  atlasError: 8_000,
} as const;

/**
 * Checks that a primary of a replica set, or a router of a sharded cluster, accepts the account for the database. A new
 * managed set is initiated, which is idempotent.
 */
export async function checkMongodb(target: MongodbTarget, signal: AbortSignal): Promise<CheckResult> {
  const { source, uri, tls } = target;
  const place = placeOf(uri);
  const subject = { source, where: place.where, secrets: place.secrets };
  return runCheck(subject, signal, async ({ defer, signal: within }) => {
    const client = await makeClient(source, uri, tls);
    defer(() => client.close(true));
    const distrusted = distrust(client, source, place.where);
    try {
      return await Promise.race([inspect(client, target, place.where, within), distrusted]);
    } catch (error) {
      throw explained(error, target, place.where);
    }
  });
}

/**
 * Rejects when a certificate is not trusted: the driver goes on looking for a server until its deadline, and then
 * has only that to report.
 */
function distrust(client: MongoClient, source: CheckSource, where: string): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  promise.catch(() => undefined);
  client.on('serverHeartbeatFailed', ({ failure }) => {
    const fault = certificateFault(source, where, failure);
    if (fault) reject(fault);
  });
  return promise;
}

async function makeClient(source: CheckSource, uri: string, tls?: CheckTls): Promise<MongoClient> {
  try {
    return new MongoClient(uri, {
      appName: 'openim-operator',
      ...(tls && { tls: true, ...tls }),
      maxPoolSize: 1,
      serverSelectionTimeoutMS: CHECK_TIMEOUT_MS,
      connectTimeoutMS: CHECK_TIMEOUT_MS,
      socketTimeoutMS: CHECK_TIMEOUT_MS,
      retryReads: false,
    });
  } catch {
    // The driver's message may quote the string.
    throw new CheckError(
      'InvalidAddress',
      `${source.addressField}: the value in Secret ${source.secret} is not a MongoDB connection string; correct it`,
    );
  }
}

async function inspect(
  client: MongoClient,
  { source, database, initiate, owner }: MongodbTarget,
  where: string,
  signal: AbortSignal,
): Promise<CheckDetail> {
  const admin = client.db('admin');
  const hello = await admin.command({ hello: 1 }, { signal });
  const { version } = (await admin.command({ buildInfo: 1 }, { signal })) as { version: string };
  if (!isAtLeast(version, MINIMUM_VERSIONS.mongodb))
    throw tooOld(source, where, version, MINIMUM_VERSIONS.mongodb);
  if (hello.isreplicaset === true && hello.setName === undefined) {
    if (initiate === undefined) {
      throw new CheckError(
        'NotAReplicaSet',
        `${source.addressField}: ${where} belongs to a replica set that is not initiated; run rs.initiate() on it`,
      );
    }
    await initiateSet(admin, initiate, signal);
    throw new CheckError(
      'ReplicaSetStarting',
      `${source.addressField}: the replica set has just been initiated; wait for its primary`,
    );
  }
  if (hello.setName === undefined && hello.msg !== 'isdbgrid') {
    throw new CheckError(
      'NotAReplicaSet',
      `${source.addressField}: ${where} is a standalone server, which can lose acknowledged writes; convert it to a replica set`,
    );
  }
  if (hello.isWritablePrimary !== true) {
    throw new CheckError(
      'NotWritable',
      `${source.addressField}: ${where} has no primary now; ${source.managed ? 'wait for its election' : 'see rs.status() on it, and check that the connection string names the replica set'}`,
    );
  }
  // The cheapest command that needs access to the database.
  await client
    .db(database)
    .command({ listCollections: 1, nameOnly: true, cursor: { batchSize: 0 } }, { signal });
  if (owner) {
    const records = client
      .db(database)
      .collection<RecordedOwner & { readonly _id: string }>(OWNER.collection);
    const record = {
      read: async () => (await records.findOne(OWNER.key, { signal })) ?? undefined,
      create: (first: RecordedOwner) => records.insertOne({ ...OWNER.key, ...first }),
      replace: (next: RecordedOwner) => records.replaceOne(OWNER.key, next),
    };
    const store = { source, where: `database ${database} of ${where}` };
    await claimStore(record, owner, { ...store, alternative: 'set another spec.mongodb.database' });
  }
  return { version };
}

async function initiateSet(
  admin: { command(command: Document, options: { signal: AbortSignal }): Promise<Document> },
  { replicaSet, member }: NonNullable<MongodbTarget['initiate']>,
  signal: AbortSignal,
): Promise<void> {
  const config = { _id: replicaSet, members: [{ _id: 0, host: member }] };
  try {
    await admin.command({ replSetInitiate: config }, { signal });
  } catch (error) {
    if (codeOf(error) !== CODE.alreadyInitialized) throw error;
  }
}

function explained(error: unknown, { source, database }: MongodbTarget, where: string): unknown {
  if (error instanceof CheckError) return error;
  const code = codeOf(error);
  if (code === CODE.authenticationFailed || code === CODE.atlasError) return refused(source, where);
  if (code === CODE.unauthorized) {
    return new CheckError(
      'NotAuthorized',
      `${source.accountField}: the account of ${where} has no access to database ${database}; grant it readWrite and dbAdmin, or put another account into the connection string of Secret ${source.secret}`,
    );
  }
  return error;
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

/** The printable part of a connection string, and its secrets. */
function placeOf(uri: string): { where: string; secrets: string[] } {
  const [, user, password = '', hosts = ''] =
    /^mongodb(?:\+srv)?:\/\/(?:([^@/]*?)(?::([^@/]*))?@)?([^/?]*)/.exec(uri) ?? [];
  const secrets = [uri, password, decoded(password)];
  return { where: `MongoDB at ${hosts || '?'}${user ? ` (user ${decoded(user)})` : ''}`, secrets };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
