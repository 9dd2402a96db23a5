import { createHash } from 'node:crypto';
import type {
  Affinity,
  Container,
  ContainerSecurityContext,
  PodSecurityContext,
  PodSpec,
  PodTemplate,
  ResourceRequirements,
  Toleration,
  TopologySpreadConstraint,
} from '@im/kube';
import type { PodTemplateSettings, ResourceSettings } from '../gen/openimcluster.ts';
import { type Component, labelsOf, nameOf, type Owner, RUN_AS, selectorLabels } from './names.ts';
import { strategicMerge } from './strategic-merge.ts';

/** What is specific to the pods of a component. The settings of the manifest apply to the first container. */
export interface PodDefinition {
  readonly spec: PodSpec;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  /** Labels of the pods with which it prefers not to share a node. @default those of the component */
  readonly apartFrom?: Readonly<Record<string, string>>;
}

/**
 * The pod template of a component: Restricted pod security, no service account token, spread over nodes, overlaid with
 * the settings of the manifest. Labels and annotations of the operator take precedence over the manifest's, because they
 * carry selectors and hashes; only those for scraping (`prometheus.io/`) are replaced. A variable of the manifest replaces one of the same name, except those with `valueFrom`
 * (the pod's name, a Secret).
 */
export function podTemplate(
  owner: Owner,
  component: Component,
  { spec, labels, annotations, apartFrom = selectorLabels(owner.name, component) }: PodDefinition,
  settings: PodTemplateSettings,
): PodTemplate {
  const allAnnotations = {
    ...settings.annotations,
    ...withoutReplaceable(annotations, settings.annotations),
  };
  const { containers, initContainers, ...rest } = spec;
  const template: PodTemplate = {
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
      affinity: (settings.affinity as Affinity | undefined) ?? preferSpread(apartFrom),
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
  return settings.spec === undefined ? template : withPodSpec(template, settings.spec);
}

/** Fields of the first container by which the operator knows what runs; they come from elsewhere in the manifest. */
const OWN_FIELDS = ['image', 'imagePullPolicy', 'args', 'command', 'resources', 'lifecycle'] as const;

/** Merges the manifest's `podTemplate.spec` into a template. Containers that it adds are Restricted, too. */
function withPodSpec(template: PodTemplate, given: object): PodTemplate {
  const { spec } = template;
  if (!spec) return template;
  const merged = strategicMerge(spec, given);
  const [ours] = spec.containers;
  const containers = merged.containers.map((container) => {
    if (!ours || container.name !== ours.name) return secured(container);
    const own = Object.fromEntries(
      OWN_FIELDS.filter((field) => ours[field] !== undefined).map((field) => [field, ours[field]]),
    );
    const known = Object.entries(container).filter(([field]) => !OWN_FIELDS.some((name) => name === field));
    return { ...Object.fromEntries(known), ...own, name: ours.name };
  });
  const { terminationGracePeriodSeconds } = spec;
  return {
    ...template,
    spec: {
      ...merged,
      ...(terminationGracePeriodSeconds === undefined ? {} : { terminationGracePeriodSeconds }),
      ...(merged.initContainers && { initContainers: merged.initContainers.map(secured) }),
      containers,
    },
  };
}

/** Annotations of the operator without those for scraping that the manifest sets otherwise. */
function withoutReplaceable(
  ours: PodDefinition['annotations'] = {},
  given: Readonly<Record<string, string>> = {},
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(ours).filter(([name]) => !(name.startsWith('prometheus.io/') && name in given)),
  );
}

/** Requests and limits for a container, with quantities as strings. */
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

/** Pods with these labels prefer different nodes, and different zones where nodes have a zone label. */
function preferSpread(matchLabels: Readonly<Record<string, string>>): Affinity {
  const apart = (topologyKey: string, weight: number) => ({
    weight,
    podAffinityTerm: { topologyKey, labelSelector: { matchLabels: { ...matchLabels } } },
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

/**
 * Security context of every pod, so that a namespace may enforce the Restricted pod security standard. Volumes belong
 * to the group {@link RUN_AS}; the ownership of files is changed only when the root of the volume differs, because that
 * takes minutes on a full volume.
 */
export function podSecurity(): PodSecurityContext {
  return {
    runAsNonRoot: true,
    runAsUser: RUN_AS,
    runAsGroup: RUN_AS,
    fsGroup: RUN_AS,
    fsGroupChangePolicy: 'OnRootMismatch',
    seccompProfile: { type: 'RuntimeDefault' },
  };
}

/** Security context of every container, which writes to volumes only. */
export function containerSecurity(): ContainerSecurityContext {
  return {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  };
}

/**
 * Hash of a pod template, or of anything else that is JSON: the first 16 hex digits of its SHA-256. The order of keys
 * and absent values do not matter; the order of lists does.
 */
export function templateHash(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex').slice(0, 16);
}

function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (inner === null || typeof inner !== 'object' || Array.isArray(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
