import type { Selection } from './kube-client.ts';
import type { KubeObject, ObjectKey, ResourceType } from './objects.ts';
import { POD } from './resource-types.ts';

/** Path of all objects of a type, or of those in one namespace; without a leading slash. */
export function collectionPath(type: ResourceType<KubeObject>, namespace?: string): string {
  const root = type.group === '' ? `api/${type.version}` : `apis/${type.group}/${type.version}`;
  const scope =
    type.namespaced && namespace !== undefined ? `/namespaces/${encodeURIComponent(namespace)}` : '';
  return `${root}${scope}/${type.plural}`;
}

/** Path of one object or of a subresource. @throws when a namespace or name is missing. */
export function objectPath(type: ResourceType<KubeObject>, key: Partial<ObjectKey>, part?: string): string {
  if (key.name === undefined || key.name === '') throw new TypeError(`a ${type.kind} needs a name`);
  requireNamespace(type, key.namespace);
  const path = `${collectionPath(type, key.namespace)}/${encodeURIComponent(key.name)}`;
  return part === undefined ? path : `${path}/${part}`;
}

/** Path of the API server's proxy to a port of a pod. @param path without a leading slash. */
export function proxyPath(pod: ObjectKey, port: number, path: string): string {
  return `${objectPath(POD, pod)}:${port}/proxy/${path}`;
}

/** @throws when the type is namespaced and no namespace is given. */
export function requireNamespace(type: ResourceType<KubeObject>, namespace: string | undefined): void {
  if (type.namespaced && (namespace === undefined || namespace === '')) {
    throw new TypeError(`a ${type.kind} needs a namespace`);
  }
}

/** Path with the defined parameters as query. */
export function withQuery(
  path: string,
  parameters: Readonly<Record<string, string | number | boolean | undefined>>,
): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined) query.set(name, String(value));
  }
  return query.size === 0 ? path : `${path}?${query}`;
}

/** The selectors as query parameters. */
export function selectors(selection: Selection): Record<string, string | undefined> {
  return { labelSelector: selection.labelSelector, fieldSelector: selection.fieldSelector };
}
