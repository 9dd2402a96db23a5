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
