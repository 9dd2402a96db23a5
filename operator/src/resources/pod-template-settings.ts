import type { PodTemplateSettings } from '../gen/openimcluster.ts';
import { combinePatches } from './strategic-merge.ts';

/**
 * Settings of a component's pods over those of the whole cluster: maps are merged, variables by name, `spec` as a
 * strategic merge; every other field of the component replaces that of the cluster.
 */
export function podTemplateSettings(
  common: PodTemplateSettings | undefined,
  own: PodTemplateSettings = {},
): PodTemplateSettings {
  if (common === undefined) return own;
  const { labels, annotations, nodeSelector, env, spec } = common;
  const named = new Set(own.env?.map(({ name }) => name));
  return {
    ...common,
    ...own,
    ...(labels && { labels: { ...labels, ...own.labels } }),
    ...(annotations && { annotations: { ...annotations, ...own.annotations } }),
    ...(nodeSelector && { nodeSelector: { ...nodeSelector, ...own.nodeSelector } }),
    ...(env && { env: [...env.filter(({ name }) => !named.has(name)), ...(own.env ?? [])] }),
    ...(spec && { spec: combinePatches(spec, own.spec ?? {}) }),
  };
}
