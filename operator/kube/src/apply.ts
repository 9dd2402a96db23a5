import { createCache, type Metrics } from '@im/kit';
import { childId } from './keys.ts';
import type { KubeClient, RequestOptions } from './kube-client.ts';
import type { KubeObject, ResourceType, Stored } from './objects.ts';
import { fingerprint, projectionOf } from './projection.ts';

/** Result of an apply. */
export interface Applied<T extends KubeObject> {
  readonly object: Stored<T>;
  /** `unchanged`: the object is as before, whether a request was sent or not. */
  readonly outcome: 'created' | 'changed' | 'unchanged';
}

/** Options of {@link createApplier}. */
export interface ApplierOptions {
  readonly client: KubeClient;
  readonly fieldManager: string;
  readonly metrics: Metrics;
}

/** Server-side apply with one field manager, which skips requests that would change nothing. */
export interface Applier {
  /**
   * Creates `object`, or sets its fields. No request is sent when all its fields in `observed` (from an informer) are
   * as the last apply of the same manifest left them. A manifest must not be changed after it was applied.
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

/** Result of the last apply of an object. */
interface Memory {
  readonly uid: string;
  readonly resourceVersion: string;
  /** Fingerprint of the manifest. */
  readonly manifest: string;
  /** Fingerprint of its fields in the live object; undefined when they are not readable. */
  readonly projection: string | undefined;
}

/** An evicted entry costs one apply that changes nothing. */
const REMEMBERED = { max: 20_000, ttlMs: 24 * 3_600_000 };

/** Creates an {@link Applier}. Its memory is a cache: losing it costs one request per object. */
export function createApplier(options: ApplierOptions): Applier {
  const { client, fieldManager } = options;
  /** Fingerprints of manifests that are applied again and again. */
  const fingerprints = new WeakMap<KubeObject, string>();
  const memories = createCache<Memory>({ name: 'applied', ...REMEMBERED });
  const applies = options.metrics.counter('openim_operator_applies_total', 'Objects applied, by outcome', [
    'kind',
    'outcome',
  ]);

  async function run<T extends KubeObject>(
    part: 'object' | 'status',
    type: ResourceType<T>,
    object: T,
    observed: Stored<T> | undefined,
    request: RequestOptions = {},
  ): Promise<Applied<T>> {
    const id = `${part}/${childId(type, object)}`;
    const manifest = fingerprints.get(object) ?? fingerprint(object);
    fingerprints.set(object, manifest);
    const memory = memories.peek(id).value;
    if (observed && memory && isAsLeft(memory, manifest, object, observed)) {
      applies.inc({ kind: type.kind, outcome: 'skipped' });
      return { object: observed, outcome: 'unchanged' };
    }
    const call = { ...request, fieldManager };
    const written = await (part === 'object'
      ? client.apply(type, object, call)
      : client.applyStatus(type, object, call));
    const { uid, resourceVersion } = written.metadata;
    memories.set(id, { uid, resourceVersion, manifest, projection: projectionOf(object, written) });
    const known = observed?.metadata ?? memory;
    const outcome =
      known?.uid !== uid ? 'created' : known.resourceVersion === resourceVersion ? 'unchanged' : 'changed';
    applies.inc({ kind: type.kind, outcome });
    return { object: written, outcome };
  }

  return {
    apply: (type, object, observed, request) => run('object', type, object, observed, request),
    applyStatus: (type, object, observed, request) => run('status', type, object, observed, request),
  };
}

function isAsLeft(
  memory: Memory,
  manifest: string,
  object: KubeObject,
  observed: Stored<KubeObject>,
): boolean {
  if (memory.manifest !== manifest || memory.uid !== observed.metadata.uid) return false;
  if (memory.resourceVersion === observed.metadata.resourceVersion) return true;
  return memory.projection !== undefined && memory.projection === projectionOf(object, observed);
}
