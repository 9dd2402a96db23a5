import { apiVersionOf, type KubeObject, resourceType } from '@im/kube';
import type { MonitoringPodMonitor } from '../effective-monitoring.ts';
import { labelsOf, OPS_PORT_NAME, type Owner } from '../names.ts';
import { metadataWith } from './metadata.ts';
import { MONITORING_GROUP, SERIES_LABELS } from './metric-selector.ts';

/** A step that sets or drops labels, in the words of the Prometheus operator. */
export interface Relabeling {
  readonly sourceLabels: readonly string[];
  readonly targetLabel?: string;
  readonly regex?: string;
  readonly action?: 'drop';
}

/** The used part of a PodMonitor. */
export interface PodMonitor extends KubeObject {
  readonly spec?: {
    readonly selector: { readonly matchLabels: Readonly<Record<string, string>> };
    readonly podMetricsEndpoints: readonly {
      readonly port: string;
      readonly path: string;
      readonly interval: string;
      readonly scrapeTimeout: string;
      readonly relabelings: readonly Relabeling[];
      readonly metricRelabelings: readonly Relabeling[];
    }[];
  };
}

export const POD_MONITOR = resourceType<PodMonitor>(`${MONITORING_GROUP}/v1`, 'PodMonitor', 'podmonitors');

/** Longest time that a scrape may take, s; never more than the interval. */
const SCRAPE_TIMEOUT_SECONDS = 10;
/** Metrics under the names of the version before, which double the number of series and no dashboard here reads. */
const FORMER_NAMES = '(im|gateway|operator)_.*';

/** Has Prometheus scrape all processes of a cluster. Managed stores have no port of that name, and are left out. */
export function podMonitor(owner: Owner, { intervalSeconds, labels }: MonitoringPodMonitor): PodMonitor {
  const {
    'app.kubernetes.io/managed-by': _by,
    'app.kubernetes.io/part-of': _of,
    ...cluster
  } = labelsOf(owner.name);
  const podLabel = (name: string) => `__meta_kubernetes_pod_label_app_kubernetes_io_${name}`;
  return {
    apiVersion: apiVersionOf(POD_MONITOR),
    kind: POD_MONITOR.kind,
    metadata: metadataWith(owner, owner.name, labels),
    spec: {
      selector: { matchLabels: cluster },
      podMetricsEndpoints: [
        {
          port: OPS_PORT_NAME,
          path: '/metrics',
          interval: `${intervalSeconds}s`,
          scrapeTimeout: `${Math.min(intervalSeconds, SCRAPE_TIMEOUT_SECONDS)}s`,
          relabelings: [
            { sourceLabels: [podLabel('instance')], targetLabel: SERIES_LABELS.cluster },
            { sourceLabels: [podLabel('component')], targetLabel: SERIES_LABELS.role },
          ],
          metricRelabelings: [{ sourceLabels: ['__name__'], regex: FORMER_NAMES, action: 'drop' }],
        },
      ],
    },
  };
}
