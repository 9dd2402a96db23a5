import type { ObjectMeta } from './wire.ts';

/** Fields of every API object. */
export interface KubeObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata?: ObjectMeta;
}

/** An object as the API server returned it, with the fields that the server sets. Shared, so never mutate it. */
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

/** A resource of the API; `T` is the type of its objects. */
export interface ResourceType<T extends KubeObject> {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
  /** Lists and watches get metadata alone, so that the contents never leave the API server. */
  readonly metadataOnly?: boolean;
  /** Carries `T` at compile time; never set. */
  readonly [OBJECT]?: T;
}

/** A selector of the objects that have all of these labels. */
export function labelSelectorOf(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([label, value]) => `${label}=${value}`)
    .join(',');
}

/** Address of one object among those of its type. */
export interface ObjectKey {
  /** Absent for cluster-scoped resources. */
  readonly namespace?: string | undefined;
  readonly name: string;
}
