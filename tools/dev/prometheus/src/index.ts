export { type PrometheusPrograms, prometheusPrograms } from './install.ts';
export {
  type FiringAlert,
  type Prometheus,
  type PrometheusSample,
  type ScrapeConfig,
  startPrometheus,
} from './prometheus.ts';
