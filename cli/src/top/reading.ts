import type { ProcessStatus, TenantOnGateway } from '@im/contract';
import { type MetricSample, parseMetrics, sumOf } from '../doctor/metrics-text.ts';

/** What a process reports at a moment: gauges, and totals since its start. Undefined where it reports none. */
export interface ProcessReading {
  /** Name for people: a pod, a gateway or an address. */
  readonly name: string;
  /** Another value after a restart: totals began again. */
  readonly instance: string;
  readonly roles: readonly string[];
  /** `ready`, `draining`, or why not ready. */
  readonly state: string;
  /** CPU time, s. */
  readonly cpuSeconds?: number | undefined;
  readonly rssBytes?: number | undefined;
  readonly eventLoopDelayMs?: number | undefined;
  readonly connections?: number | undefined;
  readonly users?: number | undefined;
  /** Total of messages that clients sent and the log accepted. */
  readonly sends?: number | undefined;
  /** Total of messages accepted, also those of the HTTP API; of processes that accept messages. */
  readonly accepted?: number | undefined;
  /** Total of messages written to connections. */
  readonly pushes?: number | undefined;
  /** Total of handshakes, messages and requests refused by a limit. */
  readonly refusals?: number | undefined;
  /** Records of the message log that are not stored yet. */
  readonly lagRecords?: number | undefined;
  /** Its tenants, of a gateway. */
  readonly tenants: readonly TenantOnGateway[];
  /** Tenants besides these. */
  readonly tenantsOmitted: number;
}

/** What all processes that were reached report. */
export interface Reading {
  /** When it was taken, ms of a clock that is not set back. */
  readonly atMs: number;
  readonly processes: readonly ProcessReading[];
  /** What could not be read, and why. */
  readonly problems: readonly string[];
}

/** Counters of what limits refused. */
const REFUSALS = [
  'openim_gateway_refused_total',
  'openim_msg_limited_total',
  'openim_user_limited_total',
  'openim_log_append_refused_total',
  'openim_rpc_server_refused_total',
] as const;

/** A counter is not listed before it counts something. */
function refusalsOf(samples: readonly MetricSample[]): number {
  return REFUSALS.reduce((sum, name) => sum + (sumOf(samples, name) ?? 0), 0);
}

function stateOf({ ready, reason, gateway }: ProcessStatus): string {
  if (gateway?.draining) return `draining, ${gateway.drainRemaining} left`;
  return ready ? 'ready' : (reason ?? 'not ready');
}

/** Pages of an ops port. @param tenants absent where it is no gateway, or one of an earlier version. */
export interface ProcessPages {
  readonly status: string;
  readonly metrics: string;
  readonly tenants?: string | undefined;
}

/** Reads the pages of a process. @throws SyntaxError when they are none of a process. */
export function processReading(name: string, pages: ProcessPages): ProcessReading {
  const status = JSON.parse(pages.status) as ProcessStatus;
  const samples = parseMetrics(pages.metrics);
  const listed = JSON.parse(pages.tenants ?? '{"count":0,"tenants":[]}') as {
    readonly count: number;
    readonly tenants: readonly TenantOnGateway[];
  };
  const accepted = samples.filter(({ labels }) => labels.outcome === 'ok');
  return {
    ...{ name, instance: status.instance, roles: status.roles, state: stateOf(status) },
    cpuSeconds: sumOf(samples, 'process_cpu_seconds_total'),
    ...{ rssBytes: status.rssBytes, eventLoopDelayMs: status.eventLoopDelayMs },
    ...{ connections: status.gateway?.connections, users: status.gateway?.users },
    sends: status.gateway && sumOf(samples, 'openim_gateway_sends_accepted_total'),
    accepted: sumOf(accepted, 'openim_msg_sent_total'),
    pushes: status.gateway && sumOf(samples, 'openim_gateway_pushes_written_total'),
    refusals: refusalsOf(samples),
    lagRecords: status.transfer?.lagRecords,
    tenants: listed.tenants,
    tenantsOmitted: listed.count - listed.tenants.length,
  };
}
