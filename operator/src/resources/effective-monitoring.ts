import type { OpenIMClusterMonitoring } from '../gen/openimcluster.ts';

/** How the processes of a cluster are scraped. */
export interface MonitoringPodMonitor {
  readonly intervalSeconds: number;
  readonly labels: Readonly<Record<string, string>>;
}

/** What alerts are made like. */
export interface MonitoringRules {
  readonly labels: Readonly<Record<string, string>>;
  /** Address of the page of runbooks; absent, its path in this project. */
  readonly runbookURL?: string;
}

/** How dashboards are found. */
export interface MonitoringDashboards {
  readonly labels: Readonly<Record<string, string>>;
  readonly folder?: string;
}

/** The objects for monitoring that are wanted; absent ones are not. */
export interface EffectiveMonitoring {
  readonly podMonitor?: MonitoringPodMonitor;
  readonly rules?: MonitoringRules;
  readonly dashboards?: MonitoringDashboards;
}

const INTERVAL_SECONDS = 30;
/** The label that the sidecar of Grafana's chart looks for. */
const GRAFANA_LABELS = { grafana_dashboard: '1' };

/** The defaults of `spec.monitoring`; undefined when nothing is enabled. */
export function effectiveMonitoring({
  podMonitor,
  rules,
  dashboards,
}: OpenIMClusterMonitoring = {}): EffectiveMonitoring | undefined {
  if (!podMonitor?.enabled && !rules?.enabled && !dashboards?.enabled) return undefined;
  return {
    ...(podMonitor?.enabled && {
      podMonitor: {
        intervalSeconds: podMonitor.intervalSeconds ?? INTERVAL_SECONDS,
        labels: podMonitor.labels ?? {},
      },
    }),
    ...(rules?.enabled && {
      rules: {
        labels: rules.labels ?? {},
        ...(rules.runbookURL !== undefined && { runbookURL: rules.runbookURL }),
      },
    }),
    ...(dashboards?.enabled && {
      dashboards: {
        labels: dashboards.labels ?? GRAFANA_LABELS,
        ...(dashboards.folder !== undefined && { folder: dashboards.folder }),
      },
    }),
  };
}
