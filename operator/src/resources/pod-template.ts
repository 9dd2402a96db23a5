import type {
  Affinity,
  Container,
  PodSpec,
  PodTemplate,
  ResourceRequirements,
  Toleration,
  TopologySpreadConstraint,
} from '@im/kube';
import type { PodTemplateSettings, ResourceSettings } from '../gen/openimcluster.ts';
import { type Component, labelsOf, nameOf, type Owner, selectorLabels } from './names.ts';
import { containerSecurity, podSecurity } from './pod-security.ts';

/** What a component says of its pods; the first container is the one that the manifest's settings are about. */
export interface PodParts {
  readonly spec: PodSpec;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/**
 * The pod template of a component: Restricted pod security, no token, a default of spreading, and over that what the
 * manifest adds. Labels and annotations of the operator win over the manifest's, because selectors and hashes live in
 * them. A variable of the manifest replaces one of the same name, unless the operator's is taken from elsewhere in the
 * cluster (a pod's name, a Secret).
 */
export function podTemplate(
  owner: Owner,
  component: Component,
  { spec, labels, annotations }: PodParts,
  settings: PodTemplateSettings,
): PodTemplate {
  const allAnnotations = { ...settings.annotations, ...annotations };
  const { containers, initContainers, ...rest } = spec;
  return {
    metadata: {
      labels: { ...settings.labels, ...labels, ...labelsOf(owner.name, component) },
      ...(Object.keys(allAnnotations).length === 0 ? {} : { annotations: allAnnotations }),
    },
    spec: {
      serviceAccountName: settings.serviceAccountName ?? nameOf.serviceAccount(owner.name),
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      securityContext: podSecurity(),
      ...rest,
      ...(initContainers && { initContainers: initContainers.map(secured) }),
      containers: containers.map((container, index) =>
        secured(index === 0 ? withEnvironment(container, settings.env) : container),
      ),
      affinity: (settings.affinity as Affinity | undefined) ?? preferSpread(owner.name, component),
      ...(settings.nodeSelector && { nodeSelector: { ...settings.nodeSelector } }),
      ...(settings.priorityClassName && { priorityClassName: settings.priorityClassName }),
      ...(settings.tolerations && { tolerations: [...settings.tolerations] as Toleration[] }),
      ...(settings.topologySpreadConstraints && {
        topologySpreadConstraints: [
          ...settings.topologySpreadConstraints,
        ] as unknown as TopologySpreadConstraint[],
      }),
    },
  };
}

/** Requests and limits as a container carries them: quantities are strings there. */
export function containerResources(settings: ResourceSettings): ResourceRequirements {
  return {
    ...(settings.requests && { requests: quantities(settings.requests) }),
    ...(settings.limits && { limits: quantities(settings.limits) }),
  };
}

function quantities(given: Readonly<Record<string, string | number>>): Record<string, string> {
  return Object.fromEntries(Object.entries(given).map(([name, quantity]) => [name, String(quantity)]));
}

function secured(container: Container): Container {
  return { securityContext: containerSecurity(), ...container };
}

function withEnvironment(container: Container, given: PodTemplateSettings['env']): Container {
  if (given === undefined || given.length === 0) return container;
  const ours = container.env ?? [];
  const wired = new Set(ours.filter(({ valueFrom }) => valueFrom !== undefined).map(({ name }) => name));
  const added = given.filter(({ name }) => !wired.has(name));
  const replaced = new Set(added.map(({ name }) => name));
  return {
    ...container,
    env: [...ours.filter(({ name }) => !replaced.has(name)), ...added.map((variable) => ({ ...variable }))],
  };
}

/** Pods of a component prefer different nodes, and different zones where nodes tell theirs. */
function preferSpread(cluster: string, component: Component): Affinity {
  const apart = (topologyKey: string, weight: number) => ({
    weight,
    podAffinityTerm: { topologyKey, labelSelector: { matchLabels: selectorLabels(cluster, component) } },
  });
  return {
    podAntiAffinity: {
      preferredDuringSchedulingIgnoredDuringExecution: [
        apart('kubernetes.io/hostname', 100),
        apart('topology.kubernetes.io/zone', 50),
      ],
    },
  };
}
