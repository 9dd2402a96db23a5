import type { OpenIMClusterAllowedTenantsNamespaces } from '../../gen/openimcluster.ts';

/** Which namespaces are meant, as `spec.allowedTenants.namespaces` and the field of a class say it. */
export type NamespaceChoice = OpenIMClusterAllowedTenantsNamespaces;

/** Labels of a namespace; undefined for one that is not known. */
export type NamespaceLabels = (namespace: string) => Readonly<Record<string, string>> | undefined;

/** Whether a choice has a namespace. @param own the namespace of the object that chooses, which is always meant. */
export function choosesNamespace(
  { from = 'Same', selector = {} }: NamespaceChoice,
  own: string,
  namespace: string,
  labelsOf: NamespaceLabels,
): boolean {
  if (namespace === own || from === 'All') return true;
  if (from === 'Same') return false;
  const labels = labelsOf(namespace);
  if (labels === undefined) return false;
  const { matchLabels = {}, matchExpressions = [] } = selector;
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, operator, values = [] }) => {
      const value = labels[key];
      switch (operator) {
        case 'In':
          return value !== undefined && values.includes(value);
        // As everywhere in Kubernetes, a missing label has none of the values.
        case 'NotIn':
          return value === undefined || !values.includes(value);
        case 'Exists':
          return value !== undefined;
        case 'DoesNotExist':
          return value === undefined;
        default:
          return operator satisfies never;
      }
    })
  );
}
