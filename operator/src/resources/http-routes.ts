import { apiVersionOf, type KubeObject, resourceType } from '@im/kube';
import type { HttpRouteSettings } from '../gen/openimcluster.ts';
import type { EffectiveSpec } from './effective.ts';
import { metadataOf, nameOf, type Owner } from './names.ts';

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

/** Routes to gateway, API and managed object storage, for the sections that have `httpRoute`. */
export function httpRoutes(owner: Owner, { gateway, api, objectStorage }: EffectiveSpec): HTTPRoute[] {
  const objects = objectStorage.kind === 'managed' ? objectStorage : undefined;
  return [
    route(owner, 'gateway', gateway.httpRoute, gateway.service.port, NO_LIMIT),
    route(owner, 'api', api.httpRoute, api.service.port),
    route(owner, 'object-storage', objects?.httpRoute, objects?.service.port ?? 0, NO_LIMIT),
  ].filter((made) => made !== undefined);
}

function route(
  owner: Owner,
  component: 'gateway' | 'api' | 'object-storage',
  settings: HttpRouteSettings | undefined,
  port: number,
  timeout?: string,
): HTTPRoute | undefined {
  if (settings === undefined) return undefined;
  const { parentRefs, hostnames, annotations } = settings;
  const name = nameOf.component(owner.name, component);
  return {
    apiVersion: apiVersionOf(HTTP_ROUTE),
    kind: HTTP_ROUTE.kind,
    metadata: {
      ...metadataOf(owner, name, component),
      ...(annotations && { annotations: { ...annotations } }),
    },
    spec: {
      parentRefs: parentRefs.map((ref) => ({ group: GROUP, kind: 'Gateway', ...ref })),
      hostnames: [...hostnames],
      rules: [
        {
          matches: [{ path: { type: 'PathPrefix', value: '/' } }],
          ...(timeout !== undefined && { timeouts: { request: timeout } }),
          backendRefs: [{ group: '', kind: 'Service', name, port, weight: 1 }],
        },
      ],
    },
  };
}
