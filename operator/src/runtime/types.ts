import type { Logger, Metrics, Readiness } from '@im/kit';
import type { ObjectMeta } from './wire.ts';

/** What every object of the API has. */
export interface KubeObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata?: ObjectMeta;
}

/** An object that the API server gave out: what it fills in is there. Never change one; it may be shared. */
export type Stored<T extends KubeObject> = T & {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta & {
    readonly name: string;
    readonly uid: string;
    readonly resourceVersion: string;
  };
};

declare const OBJECT: unique symbol;

/** Which resource of the API: its address, and as `T` the shape of its objects. */
export interface ResourceType<T extends KubeObject> {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
  /** Carries `T` for the compiler; never set. */
  readonly [OBJECT]?: T;
}

/** Address of one object among those of its type. */
export interface ObjectKey {
  /** Absent for what is not namespaced. */
  readonly namespace?: string | undefined;
  readonly name: string;
}

/** What every request takes. */
export interface RequestOptions {
  readonly signal?: AbortSignal | undefined;
  /** Time for the whole call with its repetitions, in ms; 30 s unless told. */
  readonly deadlineMs?: number | undefined;
}

/** Which objects. */
export interface Selection {
  /** All namespaces unless told. */
  readonly namespace?: string | undefined;
  /** In the API's syntax: `app=a,tier in (b,c)`. */
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
}

/** Options of {@link KubeClient.list}. */
export interface ListOptions extends RequestOptions, Selection {
  /** Objects in one page; 500 unless told. */
  readonly pageSize?: number | undefined;
}

/** The answer to a list. */
export interface ObjectList<T extends KubeObject> {
  readonly items: readonly Stored<T>[];
  /** Where a watch goes on from. */
  readonly resourceVersion: string;
}

/** Options of {@link KubeClient.apply}. */
export interface ApplyOptions extends RequestOptions {
  readonly fieldManager: string;
  /** Takes fields over from other managers; true unless told. */
  readonly force?: boolean | undefined;
  /** Asks what would come of it, without writing. */
  readonly dryRun?: boolean | undefined;
}

/** Options of {@link KubeClient.patch}. */
export interface PatchOptions extends RequestOptions {
  readonly fieldManager?: string | undefined;
  readonly subresource?: 'status' | 'scale' | undefined;
}

/** Options of {@link KubeClient.delete}. */
export interface DeleteOptions extends RequestOptions {
  /** `Background` unless told. */
  readonly propagation?: 'Background' | 'Foreground' | 'Orphan' | undefined;
  /** Deletes only this very object, not a namesake. */
  readonly uid?: string | undefined;
  /** Deletes only this state of the object. */
  readonly resourceVersion?: string | undefined;
  readonly gracePeriodSeconds?: number | undefined;
}

/** Options of {@link KubeClient.watch}. */
export interface WatchOptions extends Selection {
  readonly signal?: AbortSignal | undefined;
  /** From {@link ObjectList.resourceVersion} or the last event. */
  readonly resourceVersion: string;
  /** A watch without events or bookmarks for so long is taken for dead and cut; 2.5 minutes unless told. */
  readonly silenceMs?: number | undefined;
}

/** A change, or with `BOOKMARK` only the news of how far the watch has come. */
export type WatchEvent<T extends KubeObject> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: Stored<T> }
  | { readonly type: 'BOOKMARK'; readonly resourceVersion: string };

/**
 * Requests to one API server. Every call has a deadline. Reads, applies, deletes and replacements
 * with a resourceVersion are sent again on 429, 5xx and broken connections; creations and merge
 * patches only when the server surely did not act (429, a refused connection).
 * All reject with {@link ApiError} for what the server refused, `ConnectionError` when it could not
 * be reached in time, or the signal's reason.
 */
export interface KubeClient {
  /** Base URL of the API server, for messages. */
  readonly server: string;
  /** Namespace of the kubeconfig's context, or of the pod. */
  readonly namespace: string;
  /** @returns undefined when there is no such object. */
  get<T extends KubeObject>(
    type: ResourceType<T>,
    key: ObjectKey,
    options?: RequestOptions,
  ): Promise<Stored<T> | undefined>;
  /** All pages. A page that expired on the way (410) rejects. */
  list<T extends KubeObject>(type: ResourceType<T>, options?: ListOptions): Promise<ObjectList<T>>;
  create<T extends KubeObject>(
    type: ResourceType<T>,
    object: T,
    options?: RequestOptions & { fieldManager?: string },
  ): Promise<Stored<T>>;
  /** PUT. With `metadata.resourceVersion` it is refused (409) when the object has changed since. */
  replace<T extends KubeObject>(
    type: ResourceType<T>,
    object: T,
    options?: RequestOptions & { fieldManager?: string },
  ): Promise<Stored<T>>;
  /** Server-side apply: makes the object, or sets exactly the fields that this manager owns. */
  apply<T extends KubeObject>(type: ResourceType<T>, object: T, options: ApplyOptions): Promise<Stored<T>>;
  /** Server-side apply of `status`; the object must exist. */
  applyStatus<T extends KubeObject>(
    type: ResourceType<T>,
    object: T,
    options: ApplyOptions,
  ): Promise<Stored<T>>;
  /** JSON merge patch: null removes a field, lists are replaced. */
  patch<T extends KubeObject>(
    type: ResourceType<T>,
    key: ObjectKey,
    patch: object,
    options?: PatchOptions,
  ): Promise<Stored<T>>;
  /** {@link KubeClient.patch} of `status`. */
  patchStatus<T extends KubeObject>(
    type: ResourceType<T>,
    key: ObjectKey,
    status: object,
    options?: PatchOptions,
  ): Promise<Stored<T>>;
  /** @returns false when there was no such object (or only a namesake with another uid). */
  delete<T extends KubeObject>(
    type: ResourceType<T>,
    key: ObjectKey,
    options?: DeleteOptions,
  ): Promise<boolean>;
  /**
   * One watch request. Ends when the server ends it (every 5 to 10 minutes), and rejects for any
   * other end, with an {@link ApiError} of status 410 when the resourceVersion is too old.
   */
  watch<T extends KubeObject>(type: ResourceType<T>, options: WatchOptions): AsyncIterable<WatchEvent<T>>;
  /** The API server's version, such as `v1.37.2`. */
  version(options?: RequestOptions): Promise<string>;
  /** Closes idle connections. */
  close(): void;
}

/** Options of `createKubeClient`. Without a kubeconfig it is the pod's service account, else `$KUBECONFIG` or `~/.kube/config`. */
export interface KubeClientOptions {
  readonly kubeconfigPath?: string | undefined;
  readonly context?: string | undefined;
  readonly metrics?: Metrics | undefined;
  /** Told to the API server; names its audit log's and flow control's user agent. */
  readonly userAgent?: string | undefined;
}

/** A local copy of objects. Keys are `namespace/name`, or `name` for what has no namespace (see `keyOf`). */
export interface Store<T extends KubeObject> {
  get(key: string): Stored<T> | undefined;
  /** All objects, or those of one namespace. */
  list(namespace?: string): readonly Stored<T>[];
  /** Objects that an index files under `value`. @throws when there is no such index. */
  byIndex(index: string, value: string): readonly Stored<T>[];
  /** Objects with this uid among their ownerReferences. */
  ownedBy(uid: string): readonly Stored<T>[];
  readonly size: number;
}

/** A change of the store: `before` is absent for a new object, `after` for one that is gone. */
export type ChangeListener<T extends KubeObject> = (
  before: Stored<T> | undefined,
  after: Stored<T> | undefined,
) => void;

/** Options of `createInformer`. */
export interface InformerOptions<T extends KubeObject> extends Selection {
  readonly client: KubeClient;
  readonly type: ResourceType<T>;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Additional indexes: the values under which an object is filed (`labelIndex(label)` is one). */
  readonly indexes?: Readonly<Record<string, (object: Stored<T>) => readonly string[]>>;
  /** What is kept of an object; drops `managedFields` unless told. Must keep metadata otherwise. */
  readonly keep?: (object: Stored<T>) => Stored<T>;
  readonly pageSize?: number | undefined;
  /** See {@link WatchOptions.silenceMs}. */
  readonly silenceMs?: number | undefined;
}

/**
 * Keeps a {@link Store} like the API server's state: lists once, then watches; goes on for ever
 * through failed lists, cut and silent watches, expired versions and a restarted API server.
 * Objects stay readable meanwhile, only older.
 */
export interface Informer<T extends KubeObject> extends Store<T> {
  readonly type: ResourceType<T>;
  /** Resolves when `signal` aborts and nothing of it is left. Never rejects. Call it once. */
  run(signal: AbortSignal): Promise<void>;
  /** Resolves after the first complete list. */
  readonly synced: Promise<void>;
  hasSynced(): boolean;
  /** Not ready until synced. */
  ready(): Readiness;
  /** Ms since the API server was last heard on this resource: events, bookmarks or a list. */
  ageMs(): number;
  /**
   * Called after the store has changed; on a relist only for real differences. Objects that exist
   * already are told at once. Must not throw.
   * @returns a function that ends it.
   */
  onChange(listener: ChangeListener<T>): () => void;
}

/** What a reconcile asks for; nothing means done until the next change. */
export interface ReconcileResult {
  /** Again after so long, unless a change comes first. */
  readonly requeueAfterMs?: number | undefined;
}

/** Options of `createController`. */
export interface ControllerOptions {
  /** Name in metrics and logs. */
  readonly name: string;
  /**
   * Makes the world of `key` as it should be. Level-triggered: it is told that something changed,
   * never what. Never runs twice at once for a key. A rejection is repeated with a growing wait, a
   * `TerminalError` only after the next change. `signal` aborts at the deadline, on stop, and when
   * leadership ends: then nothing may be written any more.
   */
  readonly reconcile: (key: string, signal: AbortSignal) => Promise<ReconcileResult | undefined>;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Keys at once; 2 unless told. */
  readonly workers?: number | undefined;
  /** Longest reconcile in ms; 60 s unless told. */
  readonly deadlineMs?: number | undefined;
  /** First and longest wait after failures in ms; 200 ms and 60 s unless told. */
  readonly backoff?: { readonly baseMs: number; readonly maxMs: number } | undefined;
}

/** Runs `reconcile` for keys that changed. */
export interface Controller {
  /** Something about `key` changed. */
  enqueue(key: string): void;
  /** {@link Controller.enqueue} after a while; the earliest of several wins. */
  enqueueAfter(key: string, ms: number): void;
  /**
   * Enqueues what `keys` makes of every changed object, before and after the change; the object's
   * own key unless told, and `ownerKeys(type)` for children. `relevant` leaves changes out, such as
   * those of status alone. `run` first waits for these informers to sync.
   */
  watches<T extends KubeObject>(
    informer: Informer<T>,
    keys?: (object: Stored<T>) => readonly string[],
    relevant?: (before: Stored<T> | undefined, after: Stored<T> | undefined) => boolean,
  ): void;
  /** Works until `signal` aborts; resolves when the last reconcile has ended. May be called again afterwards. */
  run(signal: AbortSignal): Promise<void>;
}

/** Options of `createElection`. Times in ms; 15 s, 10 s and 2 s unless told. */
export interface ElectionOptions {
  readonly client: KubeClient;
  /** Of the Lease. */
  readonly namespace: string;
  readonly name: string;
  /** Of this candidate; unique among all, new for each process. */
  readonly identity: string;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** A lease not renewed for so long may be taken. */
  readonly leaseDurationMs?: number | undefined;
  /** A leader that could not renew for so long aborts its work; the rest until leaseDuration is for that. */
  readonly renewDeadlineMs?: number | undefined;
  readonly retryMs?: number | undefined;
}

/** One of several candidates, of which at most one leads at any time. */
export interface Election {
  /**
   * Stands until `signal` aborts, and runs `lead` whenever it leads. When leadership ends, the signal
   * of `lead` aborts and is awaited; the lease is released when `lead` has ended.
   * @throws what `lead` throws, or `LeadershipError` when `lead` did not end before the lease could
   * be taken: the process must then exit at once.
   */
  run(signal: AbortSignal, lead: (signal: AbortSignal) => Promise<void>): Promise<void>;
  isLeader(): boolean;
  /** Identity of the current holder as last seen. */
  holder(): string | undefined;
}

/** What an apply did. */
export interface Applied<T extends KubeObject> {
  readonly object: Stored<T>;
  /** `unchanged`: written or not, the object is the same as before. */
  readonly outcome: 'created' | 'changed' | 'unchanged';
}

/** Options of `createApplier`. */
export interface ApplierOptions {
  readonly client: KubeClient;
  readonly fieldManager: string;
  readonly metrics: Metrics;
}

/** Server-side apply with one field manager that spares the API server writes that would change nothing. */
export interface Applier {
  /**
   * Makes `object`, or sets its fields. No request is made when `observed` (from an informer) shows
   * all fields as the last apply of the same manifest left them.
   */
  apply<T extends KubeObject>(
    type: ResourceType<T>,
    object: T,
    observed: Stored<T> | undefined,
    options?: RequestOptions,
  ): Promise<Applied<T>>;
  /** The same for the status of an existing object. */
  applyStatus<T extends KubeObject>(
    type: ResourceType<T>,
    object: T,
    observed: Stored<T> | undefined,
    options?: RequestOptions,
  ): Promise<Applied<T>>;
}

/** Options of `prune`. */
export interface PruneOptions {
  readonly client: KubeClient;
  /** Only what has this uid among its ownerReferences is looked at. */
  readonly ownerUid: string;
  readonly namespace: string;
  /** Only what has all these labels is looked at. */
  readonly labels: Readonly<Record<string, string>>;
  /** What stays; see `childId`. */
  readonly wanted: ReadonlySet<string>;
  /** Where to look: a type is listed at the API server, an informer's store is read. */
  readonly among: readonly (ResourceType<KubeObject> | Informer<KubeObject>)[];
  readonly signal?: AbortSignal | undefined;
  readonly propagation?: DeleteOptions['propagation'];
}

/** What an event says. */
export interface EventText {
  readonly type: 'Normal' | 'Warning';
  /** CamelCase, stable: `GatewayDrained`. */
  readonly reason: string;
  /** For a person. Keep changing figures out of it, so that repetitions are counted on one event. */
  readonly message: string;
  /** What was done, in CamelCase; the reason unless told. */
  readonly action?: string;
}

/** Options of `createEventRecorder`. */
export interface EventRecorderOptions {
  readonly client: KubeClient;
  /** `reportingComponent`, such as `openim-operator`. */
  readonly component: string;
  /** `reportingInstance`: the pod. */
  readonly instance: string;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** Tells people what happened to an object. */
export interface EventRecorder {
  /** Takes the event; never waits, never throws. Floods and what does not fit the queue are dropped and counted. */
  event(about: KubeObject, text: EventText): void;
  /** Sends events until `signal` aborts, then what is queued for 2 s more. */
  run(signal: AbortSignal): Promise<void>;
}
