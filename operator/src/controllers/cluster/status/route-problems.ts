import type { Stored } from '@im/kube';
import type { HTTPRoute, RouteParentStatus } from '../../../resources/http-routes.ts';
import type { Problem } from '../problem.ts';

/** Time in which a controller of the Gateway API has taken a new route, ms. */
const TAKEN_MS = 60_000;
/** What a gateway may say against a route; the other conditions are details of implementations. */
const JUDGED: ReadonlySet<string> = new Set(['Accepted', 'ResolvedRefs']);

/**
 * Routes through which no client comes, although the API server has stored them: a gateway does not accept them, or none
 * looks at them.
 */
export function routeProblems(routes: readonly Stored<HTTPRoute>[], now: number): Problem[] {
  return routes.flatMap((route) => problemIn(route, now) ?? []);
}

function problemIn({ metadata, spec, status }: Stored<HTTPRoute>, now: number): Problem | undefined {
  const object = `HTTPRoute ${metadata.name}`;
  const component = metadata.labels?.['app.kubernetes.io/component'] ?? '';
  const field = component === 'object-storage' ? 'spec.objectStorage.managed' : `spec.${component}`;
  const problem = (reason: string, cause: string, remedy: string): Problem => ({
    ...{ kind: 'failed', object, reason, cause },
    message: `${object}: ${cause}; ${remedy}`,
  });
  const parents = status?.parents ?? [];
  for (const parent of parents) {
    const refused = parent.conditions?.find(({ type, status: is }) => JUDGED.has(type) && is === 'False');
    if (!refused) continue;
    const cause = `${parentName(parent.parentRef)} does not accept it (${refused.reason}: ${refused.message})`;
    return problem('RouteNotAccepted', cause, `correct ${field}.httpRoute, or change the Gateway`);
  }
  const age = now - Date.parse(metadata.creationTimestamp ?? '');
  if (parents.length > 0 || !(age > TAKEN_MS)) return undefined;
  const [first] = spec?.parentRefs ?? [];
  const cause = `no controller has looked at it for ${parentName(first ?? {})}`;
  const remedy = `correct ${field}.httpRoute.parentRefs, or install a controller of the Gateway API`;
  return problem('RouteNotTaken', cause, remedy);
}

function parentName({ kind = 'Gateway', name, namespace }: RouteParentStatus['parentRef']): string {
  return namespace === undefined ? `${kind} ${name}` : `${kind} ${namespace}/${name}`;
}
