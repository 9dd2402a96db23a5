import type { Metrics } from '@im/kit';
import type { Method } from './contract.ts';

/** Where a call was measured: inside one process, by its caller, or by its server. */
export type Side = 'direct' | 'client' | 'server';

/** Reports one finished call; `code` is 0 or the error's. */
export type ReportCall = (code: number, seconds: number) => void;

/** `user` of `user.getUsersInfo`. */
function domainOf(method: string): string {
  return method.slice(0, method.indexOf('.'));
}

/** Counts and latencies of RPCs by method. */
export function callMetrics(metrics: Metrics): (method: Method, side: Side) => ReportCall {
  const calls = metrics.counter('openim_rpc_calls_total', 'RPCs by outcome; code 0 is success', [
    'method',
    'side',
    'code',
  ]);
  metrics.derived(
    'rpc_count',
    'RPCs that were served, by errCode; OpenIM’s name',
    ['name', 'path', 'code'],
    () =>
      calls
        .get()
        .values.flatMap(({ labels: { method, side, code }, value }) =>
          side === 'client' || value === 0
            ? []
            : [{ labels: { name: domainOf(String(method)), path: method, code }, value }],
        ),
  );
  const seconds = metrics.histogram('openim_rpc_seconds', 'Duration of RPCs', ['method', 'side']);
  return (method, side) => {
    const labels = { method: method.label, side };
    const duration = seconds.labels(labels);
    const succeeded = calls.labels({ ...labels, code: '0' });
    return (code, took) => {
      duration.observe(took);
      if (code === 0) succeeded.inc();
      else calls.inc({ ...labels, code: String(code) });
    };
  };
}
