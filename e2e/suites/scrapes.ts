import type { ServerProcess } from '@im/dev-cluster';
import type { ScrapeConfig } from '@im/dev-prometheus';
import { podMonitor } from '@im/operator';

/** A key of a configuration file of Prometheus for one of the Prometheus operator, as `source_labels` for `sourceLabels`. */
const inSnakeCase = (text: string) => text.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

function snakeKeys(object: object): object {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [inSnakeCase(key), value]));
}

/**
 * What Prometheus scrapes of processes: as from the PodMonitor of a cluster, whose relabelings it uses, with the labels that
 * the Prometheus operator finds at pods.
 */
export function scrapesOf(
  processes: readonly ServerProcess[],
  { name, namespace }: { readonly name: string; readonly namespace: string },
): ScrapeConfig[] {
  const { spec } = podMonitor({ name, namespace, uid: 'u' }, { intervalSeconds: 30, labels: {} });
  return (spec?.podMetricsEndpoints ?? []).map(({ path, relabelings, metricRelabelings }) => ({
    job_name: `${namespace}/${name}`,
    metrics_path: path,
    relabel_configs: relabelings.map(snakeKeys),
    metric_relabel_configs: metricRelabelings.map(snakeKeys),
    static_configs: processes.map(({ name: pod, plan }) => ({
      targets: [`127.0.0.1:${plan.opsPort}`],
      labels: {
        namespace,
        pod,
        __meta_kubernetes_pod_label_app_kubernetes_io_instance: name,
        __meta_kubernetes_pod_label_app_kubernetes_io_component: plan.roles[0] ?? '',
      },
    })),
  }));
}
