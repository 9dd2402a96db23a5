import type { KubeObject, ObjectKey, ResourceType, Stored } from './objects.ts';
import { apiVersionOf } from './resource-types.ts';

/** `namespace/name`, or `name` without a namespace. */
export function keyOf(object: KubeObject | ObjectKey): string {
  const { namespace, name } = 'name' in object ? object : (object.metadata ?? {});
  if (name === undefined) throw new TypeError('an object without a name has no key');
  return namespace === undefined ? name : `${namespace}/${name}`;
}

/** The reverse of {@link keyOf}. */
export function parseKey(key: string): ObjectKey {
  const slash = key.indexOf('/');
  return slash < 0 ? { name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

/** Identity of an object among objects of several types; for `prune`. */
export function childId(type: ResourceType<KubeObject>, object: KubeObject | ObjectKey): string {
  return `${type.group}/${type.kind}/${keyOf(object)}`;
}

/** Keys of the controllers of `type` that own a child; for `Controller.watches`. */
export function ownerKeys(type: ResourceType<KubeObject>): (child: Stored<KubeObject>) => readonly string[] {
  const apiVersion = apiVersionOf(type);
  return (child) =>
    (child.metadata.ownerReferences ?? [])
      .filter((owner) => owner.kind === type.kind && groupOf(owner.apiVersion) === groupOf(apiVersion))
      .map((owner) =>
        keyOf({ namespace: type.namespaced ? child.metadata.namespace : undefined, name: owner.name }),
      );
}

/** An index by the value of a label; for `InformerOptions.indexes`. */
export function labelIndex(label: string): (object: Stored<KubeObject>) => readonly string[] {
  return (object) => {
    const value = object.metadata.labels?.[label];
    return value === undefined ? [] : [value];
  };
}

function groupOf(apiVersion: string): string {
  return apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
}
