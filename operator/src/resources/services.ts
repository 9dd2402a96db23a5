import { DEFAULT_PORTS } from '@im/contract';
import type { Ingress, Service } from '@im/kube';
import type { IngressSettings } from '../gen/openimcluster.ts';
import { RPC_DOMAINS } from './config.ts';
import { type ConsoleBackend, consoleBackend, consolePaths, isConsoleServed } from './console-address.ts';
import type { EffectiveSpec } from './effective.ts';
import type { EffectiveService } from './effective-stores.ts';
import { WEB_SOCKET } from './http-routes.ts';
import { CONSOLE, metadataOf, nameOf, type Owner, REVISION_LABEL, selectorLabels } from './names.ts';
import { withServiceSettings } from './service-settings.ts';

/** A Service that clients from outside may reach, with the type and ports of the spec. */
function clientService(
  owner: Owner,
  component: 'gateway' | 'api' | 'console',
  settings: EffectiveService,
  selector: Record<string, string>,
  appProtocol?: string,
): Service {
  const { type, port, nodePort } = settings;
  const service: Service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: metadataOf(owner, nameOf.component(owner.name, component), component),
    spec: {
      type,
      selector,
      ports: [
        {
          name: component === 'gateway' ? 'ws' : 'http',
          port,
          targetPort: component === 'gateway' ? 'ws' : 'http',
          protocol: 'TCP',
          ...(nodePort === undefined ? {} : { nodePort }),
          ...(appProtocol === undefined ? {} : { appProtocol }),
        },
      ],
    },
  };
  return withServiceSettings(service, settings);
}

/**
 * The Service of the gateways. It selects a single revision, so that a client that an old gateway disconnected does not
 * reach another old one.
 */
export function gatewayService(owner: Owner, effective: EffectiveSpec, revision: string): Service {
  const selector = { ...selectorLabels(owner.name, 'gateway'), [REVISION_LABEL]: revision };
  const { service, httpRoute } = effective.gateway;
  return clientService(owner, 'gateway', service, selector, httpRoute && WEB_SOCKET);
}

/** The Service of the HTTP API. */
export function apiService(owner: Owner, effective: EffectiveSpec): Service {
  return clientService(owner, 'api', effective.api.service, selectorLabels(owner.name, 'api'));
}

/** The Service of the console's own pods, if it has any. */
export function consoleServices(owner: Owner, { console }: EffectiveSpec): Service[] {
  if (!console?.own) return [];
  return [clientService(owner, CONSOLE, console.own.service, selectorLabels(owner.name, CONSOLE))];
}

/** A headless Service: callers resolve all rpc pods and balance calls over them. */
export function rpcService(owner: Owner): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: metadataOf(owner, nameOf.component(owner.name, 'rpc'), 'rpc'),
    spec: {
      clusterIP: 'None',
      selector: selectorLabels(owner.name, 'rpc'),
      ports: RPC_DOMAINS.map((name) => ({
        name,
        port: DEFAULT_PORTS[name],
        targetPort: name,
        protocol: 'TCP',
      })),
    },
  };
}

/** Ingresses of gateway, API and console, if the spec has them. */
export function ingresses(owner: Owner, effective: EffectiveSpec): Ingress[] {
  const { gateway, api } = effective;
  const all: readonly PathRule[] = [{ path: '/', pathType: 'Prefix' }];
  const result: Ingress[] = [];
  if (gateway.ingress)
    result.push(
      ingress(owner, 'gateway', gateway.ingress, { name: 'gateway', port: gateway.service.port }, all),
    );
  if (api.ingress)
    result.push(ingress(owner, 'api', api.ingress, { name: 'api', port: api.service.port }, all));
  if (effective.console?.ingress && isConsoleServed(effective)) {
    const { ingress: settings } = effective.console;
    const isShared = [gateway.ingress?.host, api.ingress?.host].includes(settings.host);
    const paths = consolePaths(effective, isShared).map(
      ({ path, exact }): PathRule => ({ path, pathType: exact ? 'Exact' : 'Prefix' }),
    );
    result.push(ingress(owner, 'console', settings, consoleBackend(effective), paths));
  }
  return result;
}

type PathRule = { readonly path: string; readonly pathType: 'Prefix' | 'Exact' };

function ingress(
  owner: Owner,
  component: 'gateway' | 'api' | 'console',
  { host, className, tlsSecretName, annotations }: IngressSettings,
  { name: role, port }: ConsoleBackend | { readonly name: 'gateway'; readonly port: number },
  paths: readonly PathRule[],
): Ingress {
  const backend = { service: { name: nameOf.component(owner.name, role), port: { number: port } } };
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: {
      ...metadataOf(owner, nameOf.component(owner.name, component), component),
      ...(annotations ? { annotations: { ...annotations } } : {}),
    },
    spec: {
      ...(className === undefined ? {} : { ingressClassName: className }),
      ...(tlsSecretName === undefined ? {} : { tls: [{ hosts: [host], secretName: tlsSecretName }] }),
      rules: [{ host, http: { paths: paths.map((rule) => ({ ...rule, backend })) } }],
    },
  };
}
