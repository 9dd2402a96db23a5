import { DEFAULT_PORTS } from '@im/contract';
import type { Ingress, Service } from '@im/kube';
import type { IngressSettings } from '../gen/openimcluster.ts';
import { RPC_DOMAINS } from './config.ts';
import type { EffectiveService, EffectiveSpec } from './effective.ts';
import {
  type Component,
  labelsOf,
  nameOf,
  type Owner,
  ownerReference,
  REVISION_LABEL,
  selectorLabels,
} from './names.ts';

/** Metadata of an object that goes with its cluster. */
export function metadataOf(owner: Owner, name: string, component?: Component) {
  return {
    name,
    namespace: owner.namespace,
    labels: labelsOf(owner.name, component),
    ownerReferences: [ownerReference(owner)],
  };
}

/** A Service that clients use. */
function clientService(
  owner: Owner,
  component: 'gateway' | 'api',
  settings: EffectiveService,
  selector: Record<string, string>,
): Service {
  const { type, port, nodePort, annotations } = settings;
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      ...metadataOf(owner, nameOf.component(owner.name, component), component),
      ...(annotations ? { annotations: { ...annotations } } : {}),
    },
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
        },
      ],
    },
  };
}

/**
 * The gateways' Service. It sends new connections to one revision alone, so that nobody who was moved
 * off an old gateway arrives at another old one.
 */
export function gatewayService(owner: Owner, effective: EffectiveSpec, revision: string): Service {
  return clientService(owner, 'gateway', effective.gateway.service, {
    ...selectorLabels(owner.name, 'gateway'),
    [REVISION_LABEL]: revision,
  });
}

/** The HTTP API's Service. */
export function apiService(owner: Owner, effective: EffectiveSpec): Service {
  return clientService(owner, 'api', effective.api.service, selectorLabels(owner.name, 'api'));
}

/** A headless Service: callers see every rpc pod, and spread their calls over them. */
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

/** Ingresses of gateway and API, where the manifest asks for them. */
export function ingresses(owner: Owner, { gateway, api }: EffectiveSpec): Ingress[] {
  const made: Ingress[] = [];
  if (gateway.ingress) made.push(ingress(owner, 'gateway', gateway.ingress, gateway.service.port));
  if (api.ingress) made.push(ingress(owner, 'api', api.ingress, api.service.port));
  return made;
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
