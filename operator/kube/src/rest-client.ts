import type { Metrics } from '@im/kit';
import { createMetrics } from '@im/process';
import { type ApiCall, createCaller, type OpenAnswer } from './caller.ts';
import { type Connection, openConnection } from './connection.ts';
import { ApiError, isApiError } from './errors.ts';
import type {
  ApplyOptions,
  CreateOptions,
  KubeClient,
  ListOptions,
  ObjectList,
  PatchOptions,
  RequestOptions,
} from './kube-client.ts';
import { logLines } from './log-stream.ts';
import type { KubeObject, ResourceType, Stored } from './objects.ts';
import {
  collectionPath,
  objectPath,
  proxyPath,
  requireNamespace,
  selectors,
  withQuery,
} from './resource-path.ts';
import { apiVersionOf, POD } from './resource-types.ts';
import { watchEvents } from './watch-stream.ts';

/**
 * Options of {@link createKubeClient}. Unless a kubeconfig is named it is `$KUBECONFIG`, else
 * `~/.kube/config`, else the pod's service account.
 */
export interface KubeClientOptions {
  readonly kubeconfigPath?: string | undefined;
  readonly context?: string | undefined;
  readonly metrics?: Metrics | undefined;
  /** Sent to the API server; names its audit log's and flow control's user agent. */
  readonly userAgent?: string | undefined;
}

const PAGE_SIZE = 500;
const MERGE_PATCH = 'application/merge-patch+json';
const APPLY_PATCH = 'application/apply-patch+yaml';
const METADATA_LIST = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';
const METADATA = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1';
/** The server ends a watch after 5 to 10 minutes, so that many do not come back together. */
const WATCH_MIN_SECONDS = 300;
/** Bookmarks come about once a minute. */
const SILENCE_MS = 150_000;
const MAX_LOG_LINE = 65_536;
const NO_CONTENT = 204;
const FOLLOW_MS = 3_600_000;

/** Query of a request that writes. */
function writing({ fieldManager, dryRun, strict }: CreateOptions) {
  return {
    fieldManager,
    dryRun: dryRun ? 'All' : undefined,
    fieldValidation: strict ? 'Strict' : undefined,
  };
}

/** A client of the API server that a kubeconfig names. @throws when there is no usable kubeconfig. */
export async function createKubeClient(options: KubeClientOptions = {}): Promise<KubeClient> {
  return clientOf(await openConnection(options), options);
}

/** A client of `connection`. */
export function clientOf(
  connection: Connection,
  options: { readonly metrics?: Metrics | undefined; readonly userAgent?: string | undefined },
): KubeClient {
  const caller = createCaller(
    connection,
    options.metrics ?? createMetrics(),
    options.userAgent ?? 'operator',
  );

  async function ask<T extends KubeObject>(type: ResourceType<T>, call: ApiCall): Promise<Stored<T>> {
    return typed(type, JSON.parse(await caller.request(call)));
  }

  /** Collection of `object` for what carries its whole body. */
  function collection<T extends KubeObject>(type: ResourceType<T>, object: T): string {
    requireNamespace(type, object.metadata?.namespace);
    return collectionPath(type, object.metadata?.namespace);
  }

  function apply<T extends KubeObject>(
    type: ResourceType<T>,
    object: T,
    options: ApplyOptions,
    part?: 'status',
  ): Promise<Stored<T>> {
    const { fieldManager, force = true, dryRun } = options;
    const path = objectPath(type, object.metadata ?? {}, part);
    return ask(type, {
      ...options,
      verb: part === undefined ? 'apply' : 'apply-status',
      method: 'PATCH',
      path: withQuery(path, { fieldManager, force, dryRun: dryRun ? 'All' : undefined }),
      contentType: APPLY_PATCH,
      body: typed(type, object),
      idempotent: true,
    });
  }

  function patch<T extends KubeObject>(
    type: ResourceType<T>,
    key: { name: string; namespace?: string | undefined },
    body: object,
    options: PatchOptions = {},
  ): Promise<Stored<T>> {
    const { subresource } = options;
    return ask(type, {
      ...options,
      verb: 'patch',
      method: 'PATCH',
      path: withQuery(objectPath(type, key, subresource), writing(options)),
      contentType: MERGE_PATCH,
      body,
      idempotent: false,
    });
  }

  async function* pages<T extends KubeObject>(
    type: ResourceType<T>,
    options: ListOptions,
  ): AsyncGenerator<ListPage<T>> {
    let next: string | undefined;
    do {
      const path = withQuery(collectionPath(type, options.namespace), {
        ...selectors(options),
        limit: options.pageSize ?? PAGE_SIZE,
        continue: next,
      });
      const answer = await caller.request({
        ...options,
        verb: 'list',
        method: 'GET',
        path,
        accept: type.metadataOnly ? METADATA_LIST : undefined,
        idempotent: true,
      });
      const page: ListPage<T> = JSON.parse(answer);
      yield page;
      next = page.metadata.continue || undefined;
    } while (next !== undefined);
  }

  return {
    server: connection.server,
    namespace: connection.namespace,
    async get(type, key, options = {}) {
      try {
        const path = objectPath(type, key);
        return await ask(type, { ...options, verb: 'get', method: 'GET', path, idempotent: true });
      } catch (error) {
        if (isMissing(error, key.name)) return undefined;
        throw error;
      }
    },
    async list<T extends KubeObject>(
      type: ResourceType<T>,
      options: ListOptions = {},
    ): Promise<ObjectList<T>> {
      const items: Stored<T>[] = [];
      let resourceVersion = '';
      for await (const page of pages(type, options)) {
        for (const item of page.items ?? []) items.push(typed(type, item));
        resourceVersion = page.metadata.resourceVersion;
      }
      return { items, resourceVersion };
    },
    create: (type, object, options: CreateOptions = {}) =>
      ask(type, {
        ...options,
        verb: 'create',
        method: 'POST',
        path: withQuery(collection(type, object), writing(options)),
        body: typed(type, object),
        idempotent: false,
      }),
    replace: (type, object, options: RequestOptions & { fieldManager?: string } = {}) =>
      ask(type, {
        ...options,
        verb: 'replace',
        method: 'PUT',
        path: withQuery(objectPath(type, object.metadata ?? {}), { fieldManager: options.fieldManager }),
        body: typed(type, object),
        idempotent: object.metadata?.resourceVersion !== undefined,
      }),
    apply: (type, object, options) => apply(type, object, options),
    applyStatus: (type, object, options) => apply(type, object, options, 'status'),
    patch,
    patchStatus: (type, key, status, options = {}) =>
      patch(type, key, { status }, { ...options, subresource: 'status' }),
    async delete(type, key, options = {}) {
      const { propagation = 'Background', uid, resourceVersion, gracePeriodSeconds, dryRun } = options;
      const body = {
        apiVersion: 'v1',
        kind: 'DeleteOptions',
        propagationPolicy: propagation,
        gracePeriodSeconds,
        preconditions:
          uid === undefined && resourceVersion === undefined ? undefined : { uid, resourceVersion },
        // With a body the API server does not look at the query.
        dryRun: dryRun ? ['All'] : undefined,
      };
      const path = objectPath(type, key);
      try {
        await caller.request({ ...options, verb: 'delete', method: 'DELETE', path, body, idempotent: true });
        return true;
      } catch (error) {
        if (isMissing(error, key.name)) return false;
        // Another object has this name now; the intended one is gone.
        if (uid !== undefined && resourceVersion === undefined && isApiError(error, 409)) return false;
        throw error;
      }
    },
    async *watch(type, options) {
      const path = withQuery(collectionPath(type, options.namespace), {
        ...selectors(options),
        watch: true,
        allowWatchBookmarks: true,
        resourceVersion: options.resourceVersion,
        timeoutSeconds: Math.round(WATCH_MIN_SECONDS * (1 + Math.random())),
      });
      const { signal } = options;
      const accept = type.metadataOnly ? METADATA : undefined;
      const open = await caller.open({
        signal,
        verb: 'watch',
        method: 'GET',
        path,
        accept,
        idempotent: true,
      });
      yield* watchEvents(type, open, options.silenceMs ?? SILENCE_MS);
    },
    async *logs(pod, options = {}) {
      const { container, follow, sinceMs, tailLines, limitBytes, signal, maxLine = MAX_LOG_LINE } = options;
      const path = withQuery(objectPath(POD, pod, 'log'), {
        ...{ container, follow, tailLines, limitBytes, timestamps: true },
        sinceTime: sinceMs === undefined ? undefined : new Date(sinceMs).toISOString(),
      });
      // The answer to who follows begins with the first line.
      const deadlineMs = follow ? FOLLOW_MS : undefined;
      let answer: OpenAnswer;
      try {
        answer = await caller.open({
          ...{ verb: 'logs', method: 'GET', path, idempotent: true, signal, deadlineMs },
        });
      } catch (error) {
        // No container of the pod has started.
        if (isApiError(error, NO_CONTENT)) return;
        throw error;
      }
      yield* logLines(answer, maxLine);
    },
    proxy: (pod, port, path, options = {}) =>
      caller.request({
        ...options,
        verb: 'proxy',
        method: options.method ?? 'GET',
        path: proxyPath(pod, port, path),
        idempotent: false,
      }),
    async version(options = {}) {
      const call = { ...options, verb: 'get', method: 'GET', path: 'version', idempotent: true } as const;
      const version: { gitVersion: string } = JSON.parse(await caller.request(call));
      return version.gitVersion;
    },
    close: () => connection.close(),
  };
}

interface ListPage<T extends KubeObject> {
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
  readonly items: readonly Stored<T>[] | null;
}

/** Lists leave out what every item would repeat; writers may leave it out too. */
function typed<T extends KubeObject, O extends T>(type: ResourceType<T>, object: O): O & TypeMeta {
  return { ...object, apiVersion: apiVersionOf(type), kind: type.kind };
}

interface TypeMeta {
  readonly apiVersion: string;
  readonly kind: string;
}

/** This object is missing, rather than its resource type (a CRD that is not installed) or its namespace. */
function isMissing(error: unknown, name: string): boolean {
  return error instanceof ApiError && error.status === 404 && error.details?.name === name;
}
