import { apiVersionOf, type KubeObject, resourceType } from '@im/kube';
import type { EffectiveSpec } from '../effective.ts';
import type { MonitoringRules } from '../effective-monitoring.ts';
import type { Owner } from '../names.ts';
import { type Alert, type AlertedSpec, alertsOf } from './alerts.ts';
import { metadataWith } from './metadata.ts';
import { type ClusterName, MONITORING_GROUP, SERIES_LABELS } from './metric-selector.ts';

/** An alerting rule, in the words of Prometheus. */
export interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<'summary' | 'description' | 'runbook_url', string>>;
}

/** Groups of rules; also the form of Prometheus' own rule files. */
export interface RuleGroups {
  readonly groups: readonly { readonly name: string; readonly rules: readonly Rule[] }[];
}

/** The used part of a PrometheusRule. */
export interface PrometheusRule extends KubeObject {
  readonly spec?: RuleGroups;
}

export const PROMETHEUS_RULE = resourceType<PrometheusRule>(
  `${MONITORING_GROUP}/v1`,
  'PrometheusRule',
  'prometheusrules',
);

/** The page of this project that explains every alert, by its name as the heading. */
export const RUNBOOKS = 'docs/operations/runbooks.md';

/** The alerts of a cluster, for the Prometheus operator. */
export function prometheusRule(
  owner: Owner,
  effective: EffectiveSpec,
  { labels, runbookURL }: MonitoringRules,
): PrometheusRule {
  return {
    apiVersion: apiVersionOf(PROMETHEUS_RULE),
    kind: PROMETHEUS_RULE.kind,
    metadata: metadataWith(owner, owner.name, labels),
    spec: ruleGroups(owner, effective, runbookURL),
  };
}

/** The alerts of a cluster as groups of rules. @param runbookURL address of the page of runbooks. */
export function ruleGroups(owner: ClusterName, spec: AlertedSpec, runbookURL: string = RUNBOOKS): RuleGroups {
  const rules = alertsOf(owner, spec).map((alert) => ruleOf(owner, alert, runbookURL));
  return { groups: [{ name: `openim.${owner.namespace}.${owner.name}`, rules }] };
}

/** Rule of an alert. Namespace and cluster are labels of every alert, so that they can be routed by them. */
function ruleOf({ name, namespace }: ClusterName, alert: Alert, runbookURL: string): Rule {
  const { severity, expr, forMinutes, summary, description, labels } = alert;
  return {
    alert: alert.name,
    expr,
    ...(forMinutes > 0 && { for: `${forMinutes}m` }),
    labels: { severity, namespace, [SERIES_LABELS.cluster]: name, ...labels },
    annotations: {
      summary: `OpenIMCluster ${namespace}/${name}: ${summary}`,
      description,
      runbook_url: `${runbookURL}#${alert.name.toLowerCase()}`,
    },
  };
}
