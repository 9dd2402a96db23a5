import type { Service } from '@im/kube';
import type { ServiceSettings } from '../gen/openimcluster.ts';

/** Fields of a Service that are passed on as they are given. */
const PASSED_ON = [
  'externalTrafficPolicy',
  'ipFamilyPolicy',
  'loadBalancerClass',
  'loadBalancerSourceRanges',
  'sessionAffinity',
] as const;

/**
 * Adds to a Service what the spec sets besides its type and ports. An absent field leaves the manifest as it was; labels
 * by which the operator finds its objects cannot be replaced.
 */
export function withServiceSettings(service: Service, settings: ServiceSettings): Service {
  const { metadata, spec } = service;
  const { annotations, labels } = settings;
  return {
    ...service,
    metadata: {
      ...metadata,
      ...(labels && { labels: { ...labels, ...metadata?.labels } }),
      ...(annotations && { annotations: { ...annotations } }),
    },
    spec: {
      ...spec,
      ...Object.fromEntries(
        PASSED_ON.filter((field) => settings[field] !== undefined).map((field) => [field, settings[field]]),
      ),
    },
  };
}
