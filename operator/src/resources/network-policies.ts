import type { NetworkPolicy } from '@im/kube';
import type { EffectiveSpec } from './effective.ts';
import {
  type ClientComponent,
  metadataOf,
  nameOf,
  OPS_PORT,
  type Owner,
  STORE_PORTS,
  selectorLabels,
} from './names.ts';

const NAMESPACE_NAME = 'kubernetes.io/metadata.name';

/**
 * Admitted connections: clients to the gateway, the API and managed object storage; components of the cluster to each
 * other; the operator and monitoring to the ops ports, the operator also to the managed stores, which it checks.
 * @param operatorNamespace namespace of the operator.
 */
export function networkPolicies(
  owner: Owner,
  effective: EffectiveSpec,
  operatorNamespace: string,
): NetworkPolicy[] {
  if (!effective.networkPolicy.enabled) return [];
  const { 'app.kubernetes.io/component': _component, ...instance } = selectorLabels(owner.name, 'gateway');
  const fromNamespaces = (names: readonly string[]) =>
    names.map((name) => ({ namespaceSelector: { matchLabels: { [NAMESPACE_NAME]: name } } }));
  const tcp = (...ports: (number | string)[]) => ports.map((port) => ({ port, protocol: 'TCP' }));
  const open = (component: ClientComponent, port: number | string): NetworkPolicy => ({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: metadataOf(owner, `${nameOf.component(owner.name, component)}-clients`, component),
    spec: {
      podSelector: { matchLabels: selectorLabels(owner.name, component) },
      policyTypes: ['Ingress'],
      ingress: [{ ports: tcp(port) }],
    },
  });
  const stores = [
    ...(effective.nats.kind === 'managed' ? [STORE_PORTS.nats.client, STORE_PORTS.nats.monitor] : []),
    ...(effective.mongodb.kind === 'managed' ? [STORE_PORTS.mongodb] : []),
    ...(effective.redis.kind === 'managed' ? [STORE_PORTS.redis] : []),
    ...(effective.objectStorage.kind === 'managed' ? [STORE_PORTS.objectStorage] : []),
  ];
  const monitoring = effective.networkPolicy.monitoringNamespaces;
  const internal: NetworkPolicy = {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: metadataOf(owner, `${owner.name}-inner`),
    spec: {
      podSelector: { matchLabels: instance },
      policyTypes: ['Ingress'],
      ingress: [
        { from: [{ podSelector: { matchLabels: instance } }] },
        { from: fromNamespaces([operatorNamespace]), ports: tcp(OPS_PORT, ...stores) },
        ...(monitoring.length === 0 ? [] : [{ from: fromNamespaces(monitoring), ports: tcp(OPS_PORT) }]),
      ],
    },
  };
  return [
    internal,
    open('gateway', 'ws'),
    open('api', 'http'),
    ...(effective.console?.own ? [open('console', 'http')] : []),
    ...(effective.objectStorage.kind === 'managed'
      ? [open('object-storage', STORE_PORTS.objectStorage)]
      : []),
  ];
}
