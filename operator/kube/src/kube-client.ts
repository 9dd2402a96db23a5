import type { KubeObject, ObjectKey, ResourceType, Stored } from './objects.ts';

/** What every request takes. */
export interface RequestOptions {
  readonly signal?: AbortSignal | undefined;
  /** Deadline of the whole call including retries, ms. @default 30_000 */
  readonly deadlineMs?: number | undefined;
  /** Called before every attempt; what it throws ends the call. */
  readonly beforeAttempt?: (() => void) | undefined;
}

/** Which objects. */
export interface Selection {
  /** @default all namespaces */
  readonly namespace?: string | undefined;
  /** In the API's syntax: `app=a,tier in (b,c)`. */
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
}

/** Options of {@link KubeClient.list}. */
export interface ListOptions extends RequestOptions, Selection {
  /** Objects per page. @default 500 */
  readonly pageSize?: number | undefined;
}

/** The answer to a list. */
export interface ObjectList<T extends KubeObject> {
  readonly items: readonly Stored<T>[];
  /** The version from which a watch continues. */
  readonly resourceVersion: string;
}

/** Options of {@link KubeClient.apply}. */
export interface ApplyOptions extends RequestOptions {
  readonly fieldManager: string;
  /** Takes over fields from other managers. @default true */
  readonly force?: boolean | undefined;
  /** Asks what would come of it, without writing. */
  readonly dryRun?: boolean | undefined;
}

/** Options of {@link KubeClient.create}. */
export interface CreateOptions extends RequestOptions {
  readonly fieldManager?: string | undefined;
  /** Asks what would come of it, without writing. */
  readonly dryRun?: boolean | undefined;
  /** Refuses (400) fields that the schema does not know, which are otherwise dropped. @default false */
  readonly strict?: boolean | undefined;
}

/** Options of {@link KubeClient.patch}. */
export interface PatchOptions extends CreateOptions {
  readonly subresource?: 'status' | 'scale' | undefined;
}

/** Options of {@link KubeClient.proxy}. */
export interface ProxyOptions extends RequestOptions {
  /** @default 'GET' */
  readonly method?: 'GET' | 'POST' | undefined;
}

/** Options of {@link KubeClient.delete}. */
export interface DeleteOptions extends RequestOptions {
  /** @default 'Background' */
  readonly propagation?: 'Background' | 'Foreground' | 'Orphan' | undefined;
  /** Deletes only the object with this uid, not another one of the same name. */
  readonly uid?: string | undefined;
  /** Deletes only this state of the object. */
  readonly resourceVersion?: string | undefined;
  readonly gracePeriodSeconds?: number | undefined;
  /** Asks whether it would be deleted, without deleting. */
  readonly dryRun?: boolean | undefined;
}

/** Options of {@link KubeClient.watch}. */
export interface WatchOptions extends Selection {
  readonly signal?: AbortSignal | undefined;
  /** From {@link ObjectList.resourceVersion} or the last event. */
  readonly resourceVersion: string;
  /** Time without events or bookmarks after which a watch counts as dead and is closed, ms. @default 150_000 */
  readonly silenceMs?: number | undefined;
}

/** Options of {@link KubeClient.logs}. */
export interface LogOptions {
  readonly signal?: AbortSignal | undefined;
  /** @default the only one */
  readonly container?: string | undefined;
  /** Go on with what is written later. @default false */
  readonly follow?: boolean | undefined;
  /** Lines of this time and later, ms since the epoch, to the second. @default all that is kept */
  readonly sinceMs?: number | undefined;
  /** The last ones alone. @default all */
  readonly tailLines?: number | undefined;
  /** Most bytes of the answer, after which it ends. @default no limit */
  readonly limitBytes?: number | undefined;
  /** Longest line; what is longer is cut, characters. @default 65_536 */
  readonly maxLine?: number | undefined;
}

/** A line of a log. */
export interface LogLine {
  /** When it was written, as the node has it, RFC 3339 with nanoseconds. */
  readonly time: string;
  readonly text: string;
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
  /** All pages. Rejects when a page expires during the listing (410). */
  list<T extends KubeObject>(type: ResourceType<T>, options?: ListOptions): Promise<ObjectList<T>>;
  create<T extends KubeObject>(type: ResourceType<T>, object: T, options?: CreateOptions): Promise<Stored<T>>;
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
  /** @returns false when there was no such object (or only one of the same name with another uid). */
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
  /**
   * A request to a port of a pod, which the API server passes on; not repeated on what the pod answers.
   * @returns the body. @throws {@link ApiError} with the status when it is not 2xx.
   */
  proxy(pod: ObjectKey, port: number, path: string, options?: ProxyOptions): Promise<string>;
  /**
   * The lines of a container's log as they come, in one request; ends with the log, or with `follow` when the container does.
   * Lines are read no faster than they are taken.
   */
  logs(pod: ObjectKey, options?: LogOptions): AsyncIterable<LogLine>;
  /** The API server's version, such as `v1.37.2`. */
  version(options?: RequestOptions): Promise<string>;
  /** Closes idle connections. */
  close(): void;
}
