import { createHash, randomUUID } from 'node:crypto';
import type { Blob } from '@im/blob';
import type { ServerConfig, TenantId } from '@im/contract';
import { type CallContext, type Metrics, type TenantDirectory, unlessAborted, untilAborted } from '@im/kit';
import type { Logger, TaskRunner } from '@im/process';
import type { ObjectRepo, ObjectUploadRepo, StoredObject, StoredThumbnail, ThumbnailRepo } from '@im/store';
import { createDecoder, type Decoder } from './decoder.ts';
import type { Refusal, Thumbnail } from './decoder-messages.ts';
import { type Found, knownThumbnail, MAX_PER_PICTURE } from './known-thumbnail.ts';
import { CONTENT_TYPES, formatOf, HEAD_BYTES, type PictureFormat } from './picture-format.ts';
import { TenantTurns } from './tenant-turns.ts';
import type { PictureShape, Wish } from './thumbnail-size.ts';

/** Parts that {@link createThumbnails} needs. */
export interface ThumbnailsDeps {
  readonly blob: Blob;
  readonly objects: ObjectRepo;
  readonly uploads: ObjectUploadRepo;
  readonly thumbnails: ThumbnailRepo;
  readonly tenants: TenantDirectory;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly tasks: Pick<TaskRunner, 'spawn'>;
  /** @default {@link createDecoder} with the settings */
  readonly createDecoder?: () => Decoder;
}

/** Where the bytes of a thumbnail are. */
export interface ServedThumbnail {
  readonly key: string;
  readonly contentType: string;
}

/** Thumbnails of stored pictures, made when they are first asked for and kept in the tenant's bucket. */
export interface Thumbnails {
  /**
   * The thumbnail of a picture for a wish. Undefined when the picture itself is to be served: it fits, is none, breaks a
   * limit, or its thumbnail is not ready in time.
   */
  find(ctx: CallContext, object: StoredObject, wish: Wish): Promise<ServedThumbnail | undefined>;
  /** The bytes at a key are others now. */
  forget(tenant: TenantId, key: string): Promise<void>;
  /** Ends what is decoding. */
  stop(): void;
}

/** Below this key are all thumbnails. */
const PREFIX = 'openim/thumbnail';
const MAX_WAITING = 1_000;
const MAX_WAITING_PER_TENANT = 100;
/** Longest time to read a picture from the storage, or to store a thumbnail, ms. */
const STORAGE_MS = 15_000;
const HOUR_MS = 3_600_000;
/** Time after which a file gets another chance, ms: what is slow may have been a busy machine's fault, and space gets free. */
const REFUSED_MS: Readonly<Record<Refusal | 'quota', number>> = {
  'not-a-picture': 24 * HOUR_MS,
  'too-many-pixels': 24 * HOUR_MS,
  'too-much-memory': 24 * HOUR_MS,
  broken: 24 * HOUR_MS,
  'too-slow': HOUR_MS,
  quota: HOUR_MS / 6,
};
/** Time left to sign the URL and answer, ms. */
const ANSWER_MS = 500;

function keyOf(object: StoredObject, { width, height, format }: PictureShape): string {
  const folder = createHash('sha256').update(object.key).digest('hex').slice(0, 32);
  // Unique: of two that make the same, one is removed without touching the other.
  return `${PREFIX}/${folder}/${width}x${height}-${randomUUID().slice(0, 8)}.${format}`;
}

function served(thumbnail: StoredThumbnail): ServedThumbnail {
  return { key: thumbnail.key, contentType: CONTENT_TYPES[thumbnail.format as PictureFormat] };
}

/**
 * Decoders of a process: as many as are set, as far as half of the memory that it may use is enough for all.
 * @param memory bytes; 0 or more than any machine has where there is no limit.
 */
export function decodersWithin(
  { workers, memoryMiB }: Pick<ServerConfig['s3']['thumbnails'], 'workers' | 'memoryMiB'>,
  memory: number,
): number {
  if (memory === 0) return workers;
  return Math.max(1, Math.min(workers, Math.floor(memory / 2 / (memoryMiB * 1_048_576))));
}

/** The thumbnails of all tenants. */
export function createThumbnails(
  settings: ServerConfig['s3']['thumbnails'],
  { blob, objects, uploads, thumbnails, tenants, log, metrics, tasks, ...deps }: ThumbnailsDeps,
): Thumbnails {
  const decoders = Array.from(
    { length: decodersWithin(settings, process.constrainedMemory()) },
    deps.createDecoder ?? (() => createDecoder(settings)),
  );
  const turns = new TenantTurns<Decoder>({
    slots: decoders,
    maxWaiting: MAX_WAITING,
    maxWaitingPerTenant: MAX_WAITING_PER_TENANT,
  });
  const requests = metrics.counter('openim_thumbnails_total', 'Requests for thumbnails by result', [
    'result',
  ]);
  const refusals = metrics.counter(
    'openim_thumbnail_refusals_total',
    'Files of which no thumbnail was made by reason',
    ['reason'],
  );
  const duration = metrics.histogram(
    'openim_thumbnail_seconds',
    'Time to read a picture, make a thumbnail and store it',
    [],
    [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20],
  );
  metrics.observe('openim_thumbnails_waiting', 'Thumbnails that wait to be made', () => turns.waiting);
  /** Thumbnails that are being made, by tenant, picture and wish. */
  const making = new Map<string, Promise<Found>>();

  async function refuse(
    tenant: TenantId,
    object: StoredObject,
    reason: Refusal | 'quota',
    detail: string,
  ): Promise<Found> {
    refusals.inc({ reason });
    log.debug({ tenant, key: object.key, reason, detail }, 'no thumbnail of this file');
    await thumbnails.refuse(tenant, object.key, reason, Date.now() + REFUSED_MS[reason]);
    return { outcome: reason === 'quota' ? 'quota' : 'refused' };
  }

  /** Stores a thumbnail, counted as the tenant's. */
  async function store(
    tenant: TenantId,
    object: StoredObject,
    wish: Wish,
    { bytes, ...shape }: Thumbnail,
  ): Promise<Found> {
    const stored = { ...shape, key: keyOf(object, shape), size: bytes.length };
    const { key, size } = stored;
    const most = tenants.get(tenant)?.quotas.storageBytes ?? 0;
    if (!(await uploads.reserve(tenant, size, most))) {
      return refuse(tenant, object, 'quota', `${size} bytes do not fit into quotas.storageBytes ${most}`);
    }
    // Until it is one of the picture's, the expiry of uploads removes it.
    const id = `thumbnail/${key}`;
    const upload = {
      id,
      kind: 'thumbnail',
      userID: '',
      key,
      storageId: '',
      source: object.key,
      size,
    } as const;
    await uploads.put(tenant, { ...upload, createTime: Date.now() });
    const put = blob.put(tenant, key, bytes, CONTENT_TYPES[shape.format]);
    await unlessAborted(put, AbortSignal.timeout(STORAGE_MS));
    const made: Found = { outcome: 'made', thumbnail: stored };
    if (!(await thumbnails.add(tenant, object.key, stored, MAX_PER_PICTURE))) {
      // Another process has made it, or the last ones that the picture may have: theirs stay.
      return knownThumbnail(await thumbnails.get(tenant, object.key), wish, Date.now()) ?? made;
    }
    if (await objects.keyInUse(tenant, object.key)) await uploads.take(tenant, id);
    // Removed while its thumbnail was made.
    else await thumbnails.forget(tenant, object.key);
    return made;
  }

  async function make(
    tenant: TenantId,
    object: StoredObject,
    wish: Wish,
    decoder: Decoder,
    signal: AbortSignal,
  ): Promise<Found> {
    const time = AbortSignal.any([signal, AbortSignal.timeout(STORAGE_MS)]);
    const format = formatOf(await blob.read(tenant, object.key, HEAD_BYTES, time));
    if (!format) {
      return refuse(tenant, object, 'not-a-picture', 'neither JPEG, PNG, WebP nor GIF');
    }
    const bytes = await blob.read(tenant, object.key, object.size, time);
    const result = await decoder.decode({ bytes, format, wish });
    if ('refusal' in result) return refuse(tenant, object, result.refusal, result.detail);
    await thumbnails.describe(tenant, object.key, result.picture);
    return result.thumbnail ? store(tenant, object, wish, result.thumbnail) : { outcome: 'original' };
  }

  /** Makes a thumbnail in the tenant's turn. @returns undefined when too many wait. */
  function begin(tenant: TenantId, object: StoredObject, wish: Wish): Promise<Found> | undefined {
    const { promise, resolve } = Promise.withResolvers<Found>();
    const work = (decoder: Decoder) => {
      const run = async (signal: AbortSignal) => {
        const stopTimer = duration.startTimer();
        try {
          resolve(await make(tenant, object, wish, decoder, signal));
        } catch (error) {
          if (!signal.aborted) log.warn({ tenant, key: object.key, err: error }, 'thumbnail not made');
          resolve({ outcome: 'error' });
        }
        stopTimer();
      };
      tasks.spawn('thumbnail', run, { onRefused: () => resolve({ outcome: 'busy' }) });
      return promise.then(() => {});
    };
    return turns.add(tenant, work) ? promise : undefined;
  }

  /** As {@link begin}, once for all who ask for the same. */
  function share(tenant: TenantId, object: StoredObject, wish: Wish): Promise<Found> | undefined {
    const id = JSON.stringify([tenant, object.key, wish.width, wish.height, wish.format]);
    const running = making.get(id);
    if (running !== undefined) return running;
    const started = begin(tenant, object, wish)?.finally(() => making.delete(id));
    if (started !== undefined) making.set(id, started);
    return started;
  }

  async function look({ tenant, deadline }: CallContext, object: StoredObject, wish: Wish): Promise<Found> {
    const found = knownThumbnail(await thumbnails.get(tenant, object.key), wish, Date.now());
    if (found) return found;
    if (object.size > settings.maxSourceBytes) return { outcome: 'refused' };
    const making = share(tenant, object, wish);
    if (making === undefined) return { outcome: 'busy' };
    const waitMs = Math.max(0, Math.min(settings.waitMs, deadline - Date.now() - ANSWER_MS));
    return (await untilAborted(making, AbortSignal.timeout(waitMs))) ?? { outcome: 'late' };
  }

  return {
    async find(ctx, object, wish) {
      if (!settings.enabled) return undefined;
      const { outcome, thumbnail } = await look(ctx, object, wish);
      requests.inc({ result: outcome });
      return thumbnail && served(thumbnail);
    },
    forget: (tenant, key) => thumbnails.forget(tenant, key),
    stop() {
      for (const decoder of decoders) decoder.stop();
    },
  };
}
