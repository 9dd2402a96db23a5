import { keyOf } from './keys.ts';
import type { KubeObject, Stored } from './objects.ts';

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

/** Values under which an object is filed. */
export type Indexer<T extends KubeObject> = (object: Stored<T>) => readonly string[];

/** A store and the ways to change it, for the one who fills it. */
export interface WritableStore<T extends KubeObject> extends Store<T> {
  /** @returns the previous object. */
  put(object: Stored<T>): Stored<T> | undefined;
  /** @returns the removed object. */
  remove(key: string): Stored<T> | undefined;
  keys(): IterableIterator<string>;
}

const OWNER = Symbol('owner');
const NAMESPACE = Symbol('namespace');

export function createStore<T extends KubeObject>(
  indexers: Readonly<Record<string, Indexer<T>>> = {},
): WritableStore<T> {
  const objects = new Map<string, Stored<T>>();
  const indexes = new Map<string | symbol, Index<T>>();
  for (const [name, indexer] of Object.entries(indexers)) indexes.set(name, createIndex(indexer));
  const owners = createIndex<T>(({ metadata }) => (metadata.ownerReferences ?? []).map(({ uid }) => uid));
  const namespaces = createIndex<T>(({ metadata }) => [metadata.namespace ?? '']);
  indexes.set(OWNER, owners);
  indexes.set(NAMESPACE, namespaces);

  return {
    get: (key) => objects.get(key),
    list: (namespace) => (namespace === undefined ? [...objects.values()] : namespaces.under(namespace)),
    byIndex(name, value) {
      const index = indexes.get(name);
      if (!index) throw new RangeError(`there is no index ${name}`);
      return index.under(value);
    },
    ownedBy: (uid) => owners.under(uid),
    get size() {
      return objects.size;
    },
    put(object) {
      const key = keyOf(object);
      const before = objects.get(key);
      objects.set(key, object);
      for (const index of indexes.values()) {
        if (before) index.remove(key, before);
        index.add(key, object);
      }
      return before;
    },
    remove(key) {
      const before = objects.get(key);
      if (!before) return undefined;
      objects.delete(key);
      for (const index of indexes.values()) index.remove(key, before);
      return before;
    },
    keys: () => objects.keys(),
  };
}

interface Index<T extends KubeObject> {
  add(key: string, object: Stored<T>): void;
  remove(key: string, object: Stored<T>): void;
  under(value: string): Stored<T>[];
}

function createIndex<T extends KubeObject>(indexer: Indexer<T>): Index<T> {
  const filed = new Map<string, Map<string, Stored<T>>>();
  return {
    add(key, object) {
      for (const value of indexer(object)) {
        const under = filed.get(value) ?? new Map<string, Stored<T>>();
        under.set(key, object);
        filed.set(value, under);
      }
    },
    remove(key, object) {
      for (const value of indexer(object)) {
        const under = filed.get(value);
        under?.delete(key);
        if (under?.size === 0) filed.delete(value);
      }
    },
    under: (value) => [...(filed.get(value)?.values() ?? [])],
  };
}
