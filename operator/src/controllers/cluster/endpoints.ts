import type { Service } from '@im/kube';
import { consoleBackend, consolePath, consoleURL, isConsoleServed } from '../../resources/console-address.ts';
import type { EffectiveSpec } from '../../resources/effective.ts';
import { type ClientComponent, nameOf, type Owner } from '../../resources/names.ts';

/** What the addresses of a cluster are derived from. */
export interface EndpointSources {
  readonly owner: Owner;
  readonly effective: EffectiveSpec;
  /** Observed Services, by component. */
  readonly services: Readonly<Partial<Record<ClientComponent, Service>>>;
  /** Address of a node that runs a pod of the cluster; for node ports. */
  readonly nodeAddress?: string | undefined;
}

/** Base URLs for clients. */
export interface ClientEndpoints {
  readonly api: string;
  readonly webSocket: string;
  readonly objectStorage: string;
  /** The web console with its path; absent where it is not served. */
  readonly console?: string;
}

/**
 * Where clients reach the cluster, by the first that is known: `publicURL` of the manifest, the Ingress, the
 * HTTPRoute, the load balancer, a node port, the name inside the Kubernetes cluster.
 */
export function clientEndpoints(sources: EndpointSources): ClientEndpoints {
  const { effective } = sources;
  const { gateway, api, objectStorage } = effective;
  const objects =
    objectStorage.publicURL ??
    (objectStorage.kind === 'external'
      ? objectStorage.endpoint
      : (byRoute(objectStorage.httpRoute, 'http') ?? byService(sources, 'object-storage', 'http')));
  const apiURL =
    api.publicURL ??
    byIngress(api.ingress, 'http') ??
    byRoute(api.httpRoute, 'http') ??
    byService(sources, 'api', 'http');
  return {
    api: apiURL,
    webSocket:
      gateway.publicURL ??
      byIngress(gateway.ingress, 'ws') ??
      byRoute(gateway.httpRoute, 'ws') ??
      byService(sources, 'gateway', 'ws'),
    objectStorage: objects,
    ...(isConsoleServed(effective) && { console: consoleAddress(sources, apiURL) }),
  };
}

/** Where browsers have the console; without a separate host that of the pods which serve it. */
function consoleAddress(sources: EndpointSources, apiURL: string): string {
  const { effective } = sources;
  const base =
    consoleURL(effective) ?? (effective.console?.own ? byService(sources, 'console', 'http') : apiURL);
  return base.replace(/\/$/, '') + consolePath(effective);
}

function byIngress(ingress: EffectiveSpec['api']['ingress'], scheme: 'http' | 'ws'): string | undefined {
  if (!ingress) return undefined;
  return `${scheme}${ingress.tlsSecretName === undefined ? '' : 's'}://${ingress.host}`;
}

/** The port that the Service of a component gets; undefined for object storage that is not managed. */
function portOf(effective: EffectiveSpec, component: ClientComponent): number | undefined {
  if (component === 'console') return consoleBackend(effective).port;
  if (component !== 'object-storage') return effective[component].service.port;
  const { objectStorage } = effective;
  return objectStorage.kind === 'managed' ? objectStorage.service.port : undefined;
}

/** The first host of a route. Whether its listener has TLS is not seen here: without it, publicURL is set. */
function byRoute(route: EffectiveSpec['api']['httpRoute'], scheme: 'http' | 'ws'): string | undefined {
  const [host] = route?.hostnames ?? [];
  return host && `${scheme}s://${host}`;
}

function byService(
  { owner, effective, services, nodeAddress }: EndpointSources,
  component: ClientComponent,
  scheme: 'http' | 'ws',
): string {
  const service = services[component];
  const port = service?.spec?.ports?.[0];
  const balancer = service?.status?.loadBalancer?.ingress?.[0];
  const host = balancer?.hostname ?? balancer?.ip;
  if (host !== undefined) return `${scheme}://${inURL(host)}:${port?.port}`;
  if (port?.nodePort !== undefined && nodeAddress !== undefined) {
    return `${scheme}://${inURL(nodeAddress)}:${port.nodePort}`;
  }
  const name = nameOf.component(owner.name, component);
  // The port that the Service gets: rpc reads the URL at its start, and must not be restarted once it exists.
  return `${scheme}://${name}.${owner.namespace}.svc:${port?.port ?? portOf(effective, component)}`;
}

/** A host name or address as URLs have it: IPv6 in brackets. */
function inURL(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

/** Where objects are reached, for the config of the services, which read it at their start only. */
export interface ObjectsURL {
  readonly url: string;
  /** The Service has no external address yet. */
  readonly pending: boolean;
}

/**
 * A stable {@link ClientEndpoints.objectStorage}: a node port is reached at any node, so a change of the node must not
 * restart every role.
 * @param published the address in status.endpoints so far.
 */
export function steadyObjectsURL(sources: EndpointSources, published: string | undefined): ObjectsURL {
  const { effective, services } = sources;
  const { objectStorage } = effective;
  const url = clientEndpoints(sources).objectStorage;
  if (objectStorage.kind === 'external' || objectStorage.publicURL !== undefined)
    return { url, pending: false };
  if (objectStorage.httpRoute || objectStorage.service.type === 'ClusterIP') return { url, pending: false };
  const service = services['object-storage'];
  const nodePort = service?.spec?.ports?.[0]?.nodePort;
  const balanced = service?.status?.loadBalancer?.ingress?.[0] !== undefined;
  const inside = (address: string) => /\.svc(:\d+)?$/.test(address);
  if (
    !balanced &&
    published !== undefined &&
    !inside(published) &&
    URL.parse(published)?.port === String(nodePort)
  ) {
    return { url: published, pending: false };
  }
  return { url, pending: inside(url) || (objectStorage.service.type === 'LoadBalancer' && !balanced) };
}
