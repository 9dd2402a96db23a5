import { Backoff, type Metrics, messageOf, sleep } from '@im/kit';
import { type Logger, notReady, READY, type Readiness } from '@im/process';
import { ApiError, ConnectionError, isApiError, isExpired } from './errors.ts';
import { keyOf } from './keys.ts';
import type { KubeClient, Selection, WatchEvent } from './kube-client.ts';
import type { KubeObject, ResourceType, Stored } from './objects.ts';
import { createStore, type Indexer, type Store } from './store.ts';

/** A change of the store: `before` is absent for a new object, `after` for one that is gone. */
export type ChangeListener<T extends KubeObject> = (
  before: Stored<T> | undefined,
  after: Stored<T> | undefined,
) => void;

/** Options of {@link createInformer}. */
export interface InformerOptions<T extends KubeObject> extends Selection {
  readonly client: KubeClient;
  readonly type: ResourceType<T>;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Additional indexes: functions from an object to its index values, such as `labelIndex(label)`. */
  readonly indexes?: Readonly<Record<string, Indexer<T>>>;
  /** Reduces an object before it is stored; must keep metadata. @default drops `managedFields` */
  readonly keep?: (object: Stored<T>) => Stored<T>;
  readonly pageSize?: number | undefined;
  /**
   * The type may not be served, or be forbidden: then there are no objects, and it is looked for again every minute.
   * @default false
   */
  readonly optional?: boolean | undefined;
  /** See {@link WatchOptions.silenceMs}. */
  readonly silenceMs?: number | undefined;
}

/**
 * Keeps a {@link Store} in sync with the API server by a list and a watch, which recover from failed lists, broken and
 * silent watches, expired versions and a restored API server. Objects stay readable, but may be stale.
 */
export interface Informer<T extends KubeObject> extends Store<T> {
  readonly type: ResourceType<T>;
  /** Resolves when `signal` has aborted and all its work has ended. Never rejects. Call it once. */
  run(signal: AbortSignal): Promise<void>;
  /** Resolves after the first complete list. */
  readonly synced: Promise<void>;
  hasSynced(): boolean;
  /** Not ready until synced. */
  ready(): Readiness;
  /** Ms since the last event, bookmark or list. */
  ageMs(): number;
  /**
   * Calls `listener` after each change of the store; after a relist only for real differences, and at once for
   * existing objects. It must not throw.
   * @returns a function that removes it.
   */
  onChange(listener: ChangeListener<T>): () => void;
}

/** Duration after which a watch counts as healthy, as does one with an event: the backoff is reset. */
const HEALTHY_MS = 10_000;

/** Interval between looks for an optional type that is not served, ms. */
const UNSERVED_MS = 60_000;

/** Creates an {@link Informer}, which is idle until `run`. */
export function createInformer<T extends KubeObject>(options: InformerOptions<T>): Informer<T> {
  const { client, type } = options;
  const log = options.log.child({ resource: resourceName(type) });
  const keep = options.keep ?? withoutManagedFields;
  const selection: Selection = {
    namespace: options.namespace,
    labelSelector: options.labelSelector,
    fieldSelector: options.fieldSelector,
  };
  const measure = informerMetrics(options.metrics, resourceName(type));
  const store = createStore<T>(options.indexes);
  const listeners = new Set<ChangeListener<T>>();
  const synced = Promise.withResolvers<void>();
  const backoff = new Backoff({ baseMs: 200, maxMs: 5_000 });
  let isSynced = false;
  let lastAnswerAt = performance.now();
  let lastFailure: string | undefined;

  function notify(
    listener: ChangeListener<T>,
    before: Stored<T> | undefined,
    after: Stored<T> | undefined,
  ): void {
    try {
      listener(before, after);
    } catch (error) {
      log.error({ err: error }, 'a listener of an informer failed');
    }
  }

  function put(object: Stored<T>): void {
    const kept = keep(object);
    const before = store.put(kept);
    if (before && isSame(before, kept)) return;
    measure.changed(store.size);
    for (const listener of listeners) notify(listener, before, kept);
  }

  function remove(key: string): void {
    const before = store.remove(key);
    if (!before) return;
    measure.changed(store.size);
    for (const listener of listeners) notify(listener, before, undefined);
  }

  async function list(signal: AbortSignal): Promise<string> {
    const found = await client.list(type, { ...selection, pageSize: options.pageSize, signal });
    replace(found.items);
    return found.resourceVersion;
  }

  /** Takes over a complete list. */
  function replace(objects: readonly Stored<T>[]): void {
    lastAnswerAt = performance.now();
    const keys = new Set(objects.map(keyOf));
    for (const key of [...store.keys()]) if (!keys.has(key)) remove(key);
    for (const object of objects) put(object);
    lastFailure = undefined;
    if (!isSynced) {
      isSynced = true;
      log.debug({ objects: store.size }, 'informer synced');
      synced.resolve();
    }
  }

  /** @returns the resource version of the event. */
  function take(event: WatchEvent<T>): string {
    lastAnswerAt = performance.now();
    if (event.type === 'BOOKMARK') return event.resourceVersion;
    if (event.type === 'DELETED') remove(keyOf(event.object));
    else put(event.object);
    return event.object.metadata.resourceVersion;
  }

  async function follow(signal: AbortSignal): Promise<void> {
    let version: string | undefined;
    while (!signal.aborted) {
      const startedAt = performance.now();
      let isHealthy = false;
      try {
        version ??= await list(signal);
        const events = client.watch(type, {
          ...selection,
          resourceVersion: version,
          silenceMs: options.silenceMs,
          signal,
        });
        for await (const event of events) {
          version = take(event);
          isHealthy = true;
        }
        measure.restarted('ended');
      } catch (error) {
        if (signal.aborted) return;
        if (options.optional && isApiError(error, 403, 404)) {
          version = undefined;
          replace([]);
          await sleep(UNSERVED_MS, signal);
          continue;
        }
        if (needsList(error)) version = undefined;
        lastFailure = messageOf(error);
        measure.restarted(causeOf(error));
        log.warn({ err: error, relist: version === undefined }, 'informer interrupted');
      }
      if (isHealthy || performance.now() - startedAt >= HEALTHY_MS) backoff.reset();
      await sleep(backoff.next(), signal);
    }
  }

  return {
    type,
    get: store.get,
    list: store.list,
    byIndex: store.byIndex,
    ownedBy: store.ownedBy,
    get size() {
      return store.size;
    },
    async run(signal) {
      try {
        await follow(signal);
      } catch (error) {
        if (!signal.aborted) throw error;
      }
    },
    synced: synced.promise,
    hasSynced: () => isSynced,
    ready: () => (isSynced ? READY : notReady(`${type.plural} are not listed yet${because(lastFailure)}`)),
    ageMs: () => performance.now() - lastAnswerAt,
    onChange(listener) {
      listeners.add(listener);
      for (const object of store.list()) notify(listener, undefined, object);
      return () => listeners.delete(listener);
    },
  };
}

/** `plural.group`, as kubectl names it. */
export function resourceName(type: ResourceType<KubeObject>): string {
  return type.group === '' ? type.plural : `${type.plural}.${type.group}`;
}

/** The default of {@link InformerOptions.keep}. */
export function withoutManagedFields<T extends KubeObject>(object: Stored<T>): Stored<T> {
  if (!object.metadata.managedFields) return object;
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

function isSame(a: KubeObject, b: KubeObject): boolean {
  return a.metadata?.uid === b.metadata?.uid && a.metadata?.resourceVersion === b.metadata?.resourceVersion;
}

/**
 * Whether a watch cannot continue from its version: the version is too old, or refused in another way, or the watch is
 * silent. A server that was restored from a backup is silent: it waits for a version that it has lost.
 */
function needsList(error: unknown): boolean {
  if (error instanceof ConnectionError) return error.silent;
  return error instanceof ApiError && error.status < 500 && error.status !== 429;
}

function causeOf(error: unknown): string {
  if (isExpired(error)) return 'expired';
  if (error instanceof ApiError) return 'refused';
  if (!(error instanceof ConnectionError)) return 'failed';
  return error.silent ? 'silent' : 'disconnected';
}

function because(failure: string | undefined): string {
  return failure === undefined ? '' : `: ${failure}`;
}

function informerMetrics(metrics: Metrics, resource: string) {
  const objects = metrics.gauge('openim_operator_informer_objects', 'Objects in stores of informers', [
    'resource',
  ]);
  const changes = metrics.counter('openim_operator_informer_changes_total', 'Changes reported by informers', [
    'resource',
  ]);
  const restarts = metrics.counter(
    'openim_operator_informer_restarts_total',
    'Watches that ended, by cause',
    ['resource', 'cause'],
  );
  let known = 0;
  return {
    changed(size: number): void {
      changes.inc({ resource });
      // Several informers of a resource add up.
      objects.inc({ resource }, size - known);
      known = size;
    },
    restarted: (cause: string): void => restarts.inc({ resource, cause }),
  };
}
