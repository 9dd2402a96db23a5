import { DEFAULT_PORTS } from '@im/contract';
import type { Ingress, Service } from '@im/kube';
import type { IngressSettings } from '../gen/openimcluster.ts';
import { RPC_DOMAINS } from './config.ts';
import type { EffectiveSpec } from './effective.ts';
import type { EffectiveService } from './effective-stores.ts';
import { WEB_SOCKET } from './http-routes.ts';
import { metadataOf, nameOf, type Owner, REVISION_LABEL, selectorLabels } from './names.ts';
import { withServiceSettings } from './service-settings.ts';

/** A Service for clients. */
function clientService(
  owner: Owner,
  component: 'gateway' | 'api',
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

/** Ingresses of gateway and API, if the spec has them. */
export function ingresses(owner: Owner, { gateway, api }: EffectiveSpec): Ingress[] {
  const result: Ingress[] = [];
  if (gateway.ingress) result.push(ingress(owner, 'gateway', gateway.ingress, gateway.service.port));
  if (api.ingress) result.push(ingress(owner, 'api', api.ingress, api.service.port));
  return result;
}

function ingress(
  owner: Owner,
  component: 'gateway' | 'api',
  { host, className, tlsSecretName, annotations }: IngressSettings,
  port: number,
): Ingress {
  const name = nameOf.component(owner.name, component);
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: {
      ...metadataOf(owner, name, component),
      ...(annotations ? { annotations: { ...annotations } } : {}),
    },
    spec: {
      ...(className === undefined ? {} : { ingressClassName: className }),
      ...(tlsSecretName === undefined ? {} : { tls: [{ hosts: [host], secretName: tlsSecretName }] }),
      rules: [
        {
          host,
          http: {
            paths: [
              { path: '/', pathType: 'Prefix', backend: { service: { name, port: { number: port } } } },
            ],
          },
        },
      ],
    },
  };
}
