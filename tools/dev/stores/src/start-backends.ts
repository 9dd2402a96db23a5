import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Backend } from './backend.ts';
import { BACKEND_NAMES, type BackendName } from './lock-file.ts';
import { type MongoOptions, startMongo } from './mongo.ts';
import { type NatsOptions, startNats } from './nats.ts';
import { type RedisOptions, startRedis } from './redis.ts';
import { type S3Backend, type S3Options, startS3 } from './s3.ts';

/** What each name starts as. */
export interface BackendTypes {
  nats: Backend;
  redis: Backend;
  mongo: Backend;
  s3: S3Backend;
}

/** Started servers by name, and a function that stops them all. */
export type StartedBackends<K extends BackendName = BackendName> = Pick<BackendTypes, K> &
  AsyncDisposable & {
    /** Addresses as the environment variables that other processes read (`NATS_URL`, `REDIS_URL`, `MONGO_URI`, `S3_*`). */
    environment(): Record<string, string>;
    /** Stops all, each in order and waited for. Safe to call twice. */
    stop(): Promise<void>;
  };

export interface StartBackendsOptions<K extends BackendName = BackendName> {
  /** Absolute folder; each server uses the folder of its name below it. */
  dir: string;
  /** Which to start. Default all four. */
  only?: readonly K[];
  nats?: Omit<NatsOptions, 'dir'>;
  redis?: Omit<RedisOptions, 'dir'>;
  mongo?: Omit<MongoOptions, 'dir'>;
  s3?: Omit<S3Options, 'dir'>;
  /** Called when a server ends without having been stopped. */
  onUnexpectedExit?: (error: Error) => void;
}

/** Starts servers side by side, installing what is missing. When one fails, the others are stopped and its error thrown. */
export async function startBackends<K extends BackendName = BackendName>(
  options: StartBackendsOptions<K>,
): Promise<StartedBackends<K>> {
  const names: readonly BackendName[] = options.only ?? BACKEND_NAMES;
  const started: Partial<BackendTypes> = {};
  const stop = async (): Promise<void> => {
    for (const name of BACKEND_NAMES) await started[name]?.stop();
  };
  const outcomes = await Promise.allSettled(names.map((name) => startOne(name, options, started)));
  const failed = outcomes.filter((outcome) => outcome.status === 'rejected').map((outcome) => outcome.reason);
  if (failed.length > 0) {
    await stop();
    throw failed.length === 1
      ? failed[0]
      : new AggregateError(failed, failed.map((error) => `${error}`).join('\n'));
  }
  return {
    ...(started as Pick<BackendTypes, K>),
    environment: () => environmentOf(started),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/**
 * Runs `use` with servers on free ports and a new temporary folder, then stops them and removes the folder, whether
 * `use` succeeds or fails. Servers named by the environment are used as they are.
 */
export async function withBackends<K extends BackendName, T>(
  only: readonly K[],
  use: (backends: StartedBackends<K>) => Promise<T>,
  options: Omit<StartBackendsOptions<K>, 'dir' | 'only'> = {},
): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), 'openim-backends-'));
  try {
    await using backends = await startBackends({ ...options, dir, only });
    try {
      return await use(backends);
    } finally {
      // These files are not read again, so nothing has to be stopped in order.
      await Promise.all(
        only.map((name) => (backends[name].pid === undefined ? undefined : backends[name].kill())),
      );
    }
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function startOne(
  name: BackendName,
  options: StartBackendsOptions,
  started: Partial<BackendTypes>,
): Promise<void> {
  const { onUnexpectedExit } = options;
  const dir = join(options.dir, name);
  switch (name) {
    case 'nats':
      started.nats = await startNats({ onUnexpectedExit, ...options.nats, dir });
      return;
    case 'redis':
      started.redis = await startRedis({ onUnexpectedExit, ...options.redis, dir });
      return;
    case 'mongo':
      started.mongo = await startMongo({ onUnexpectedExit, ...options.mongo, dir });
      return;
    case 's3':
      started.s3 = await startS3({ onUnexpectedExit, ...options.s3, dir });
      return;
    default:
      name satisfies never;
  }
}

function environmentOf({ nats, redis, mongo, s3 }: Partial<BackendTypes>): Record<string, string> {
  return {
    ...(nats && { NATS_URL: nats.uri }),
    ...(redis && { REDIS_URL: redis.uri }),
    ...(mongo && { MONGO_URI: mongo.uri }),
    ...(s3 && {
      S3_ENDPOINT: s3.endpoint,
      S3_ACCESS_KEY: s3.accessKey,
      S3_SECRET_KEY: s3.secretKey,
      S3_REGION: s3.region,
    }),
  };
}
