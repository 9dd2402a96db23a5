import { type Document, MongoClient } from 'mongodb';
import {
  type CheckDetail,
  CheckError,
  type CheckResult,
  type CheckSource,
  refused,
  tooOld,
} from './check-result.ts';
import { CHECK_TIMEOUT_MS, isAtLeast, runCheck } from './run-check.ts';

const MINIMUM_MONGODB = '7.0';

/** How MongoDB is reached. */
export interface MongodbTarget {
  readonly source: CheckSource;
  readonly uri: string;
  readonly database: string;
  /** For a set that the operator runs: its name, and the name and port by which its one member knows itself. */
  readonly initiate?: { readonly replicaSet: string; readonly member: string } | undefined;
}

/** Error codes of the server. */
const CODE = {
  unauthorized: 13,
  authenticationFailed: 18,
  alreadyInitialized: 23,
  atlasError: 8_000,
} as const;

/**
 * Sees that a primary of a replica set, or a router of a sharded cluster, takes the account and has the database. A
 * managed set that has just been made is initiated, which changes nothing when it was before.
 */
export async function checkMongodb(target: MongodbTarget, signal: AbortSignal): Promise<CheckResult> {
  const { source, uri } = target;
  const place = placeOf(uri);
  const subject = { source, where: place.where, secrets: place.secrets };
  return runCheck(subject, signal, async ({ defer, signal: within }) => {
    const client = await makeClient(source, uri);
    defer(() => client.close(true));
    try {
      return await look(client, target, place.where, within);
    } catch (error) {
      throw explained(error, target, place.where);
    }
  });
}

async function makeClient(source: CheckSource, uri: string): Promise<MongoClient> {
  try {
    return new MongoClient(uri, {
      appName: 'openim-operator',
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

async function look(
  client: MongoClient,
  { source, database, initiate }: MongodbTarget,
  where: string,
  signal: AbortSignal,
): Promise<CheckDetail> {
  const admin = client.db('admin');
  const hello = await admin.command({ hello: 1 }, { signal });
  const { version } = (await admin.command({ buildInfo: 1 }, { signal })) as { version: string };
  if (!isAtLeast(version, MINIMUM_MONGODB)) throw tooOld(source, where, version, MINIMUM_MONGODB);
  if (hello.isreplicaset === true && hello.setName === undefined) {
    if (initiate === undefined) {
      throw new CheckError(
        'NotAReplicaSet',
        `${source.addressField}: ${where} belongs to a replica set that was never initiated; run rs.initiate() there`,
      );
    }
    await initiateSet(admin, initiate, signal);
    throw new CheckError(
      'ReplicaSetStarting',
      `${source.addressField}: the replica set has just been made; wait`,
    );
  }
  if (hello.setName === undefined && hello.msg !== 'isdbgrid') {
    throw new CheckError(
      'NotAReplicaSet',
      `${source.addressField}: ${where} is a standalone server, on which an acknowledged write can be lost; make it a replica set`,
    );
  }
  if (hello.isWritablePrimary !== true) {
    throw new CheckError(
      'NotWritable',
      `${source.addressField}: ${where} has no primary now; ${source.managed ? 'wait for its election' : 'see rs.status() there, and that the connection string names the replica set'}`,
    );
  }
  // The least that tells whether the account may use the database.
  await client
    .db(database)
    .command({ listCollections: 1, nameOnly: true, cursor: { batchSize: 0 } }, { signal });
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
      `${source.accountField}: the account of ${where} may not use database ${database}; grant it readWrite and dbAdmin, or name an account in the connection string of Secret ${source.secret}`,
    );
  }
  return error;
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

/** What can be told of a connection string, and what cannot. */
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
