import { apiVersionOf, type KubeObject, resourceType } from '@im/kube';
import type { HttpRouteSettings } from '../gen/openimcluster.ts';
import { consoleBackend, consolePaths, isConsoleServed } from './console-address.ts';
import type { EffectiveSpec } from './effective.ts';
import { type ClientComponent, metadataOf, nameOf, type Owner } from './names.ts';

/** The used part of an HTTPRoute of the Gateway API. */
export interface HTTPRoute extends KubeObject {
  readonly spec?: {
    readonly parentRefs?: readonly RouteParentStatus['parentRef'][];
    readonly hostnames?: readonly string[];
    readonly rules?: readonly object[];
  };
  readonly status?: { readonly parents?: readonly RouteParentStatus[] };
}

/** What one gateway says of a route. */
export interface RouteParentStatus {
  readonly parentRef: { readonly kind?: string; readonly name?: string; readonly namespace?: string };
  readonly conditions?: readonly {
    readonly type: string;
    readonly status: string;
    readonly reason: string;
    readonly message: string;
  }[];
}

const GROUP = 'gateway.networking.k8s.io';
export const HTTP_ROUTE = resourceType<HTTPRoute>(`${GROUP}/v1`, 'HTTPRoute', 'httproutes');

/** Value of `appProtocol` by which gateways know that a backend speaks WebSocket. */
export const WEB_SOCKET = 'kubernetes.io/ws';

/**
 * What a gateway may take for one request, as the Gateway API writes durations; 0 is no limit. WebSockets stay open for
 * days, objects take as long as the client's network needs; requests to the API have limits of the service.
 */
const NO_LIMIT = '0s';

/** Routes to gateway, API, console and managed object storage, for the sections that have `httpRoute`. */
export function httpRoutes(owner: Owner, effective: EffectiveSpec): HTTPRoute[] {
  const { gateway, api, console, objectStorage } = effective;
  const objects = objectStorage.kind === 'managed' ? objectStorage : undefined;
  const all = [{ type: 'PathPrefix', value: '/' }];
  const others = [...(gateway.httpRoute?.hostnames ?? []), ...(api.httpRoute?.hostnames ?? [])];
  const isShared = console?.httpRoute?.hostnames.some((host) => others.includes(host)) ?? false;
  return [
    route(owner, 'gateway', gateway.httpRoute, {
      ...{ paths: all, timeout: NO_LIMIT },
      backend: { name: 'gateway', port: gateway.service.port },
    }),
    route(owner, 'api', api.httpRoute, { paths: all, backend: { name: 'api', port: api.service.port } }),
    route(owner, 'console', isConsoleServed(effective) ? console?.httpRoute : undefined, {
      paths: consolePaths(effective, isShared).map(({ path, exact }) => ({
        type: exact ? 'Exact' : 'PathPrefix',
        value: path,
      })),
      backend: consoleBackend(effective),
    }),
    route(owner, 'object-storage', objects?.httpRoute, {
      ...{ paths: all, timeout: NO_LIMIT },
      backend: { name: 'object-storage', port: objects?.service.port ?? 0 },
    }),
  ].filter((made) => made !== undefined);
}

/** Where a route leads. */
interface RouteTarget {
  readonly paths: readonly { readonly type: string; readonly value: string }[];
  readonly backend: {
    readonly name: ClientComponent;
    readonly port: number;
  };
  readonly timeout?: string;
}

function route(
  owner: Owner,
  component: ClientComponent,
  settings: HttpRouteSettings | undefined,
  { paths, backend, timeout }: RouteTarget,
): HTTPRoute | undefined {
  if (settings === undefined) return undefined;
  const { parentRefs, hostnames, annotations } = settings;
  const name = nameOf.component(owner.name, backend.name);
  return {
    apiVersion: apiVersionOf(HTTP_ROUTE),
    kind: HTTP_ROUTE.kind,
    metadata: {
      ...metadataOf(owner, nameOf.component(owner.name, component), component),
      ...(annotations && { annotations: { ...annotations } }),
    },
    spec: {
      parentRefs: parentRefs.map((ref) => ({ group: GROUP, kind: 'Gateway', ...ref })),
      hostnames: [...hostnames],
      rules: [
        {
          matches: paths.map((path) => ({ path })),
          ...(timeout !== undefined && { timeouts: { request: timeout } }),
          backendRefs: [{ group: '', kind: 'Service', name, port: backend.port, weight: 1 }],
        },
      ],
    },
  };
}
