import type { Metrics } from '@im/kit';

/** Counts answers under the names that OpenIM's dashboards use. */
export interface HttpMetrics {
  /** @param path of the route; {@link UNKNOWN_PATH} when there is none. */
  answered(path: string, method: string, status: number, errCode: number | undefined, seconds: number): void;
}

/** Path label of requests without a route. */
export const UNKNOWN_PATH = '<404>';

/** The API's metrics. */
export function httpMetrics(metrics: Metrics): HttpMetrics {
  const api = metrics.counter('api_count', 'API calls by errCode', ['path', 'method', 'code']);
  const http = metrics.counter('http_count', 'HTTP answers by status', ['path', 'method', 'status']);
  const duration = metrics.histogram('openim_api_seconds', 'Duration of API calls', ['path']);
  return {
    answered(path, method, status, errCode, seconds) {
      http.inc({ path, method, status: String(status) });
      if (errCode === undefined) return;
      api.inc({ path, method, code: String(errCode) });
      duration.observe({ path }, seconds);
    },
  };
}
