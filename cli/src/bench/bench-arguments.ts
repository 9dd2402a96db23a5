import { requireAdminSecret, type Target } from '../target.ts';
import type { TargetOptions } from '../target-options.ts';

/** Options of `openimctl bench`; what is absent is the bench's own default. */
export interface BenchCommandOptions extends TargetOptions {
  scenario?: string;
  runs?: number;
  seconds?: number;
  rates?: string;
  hooks?: string;
  connections?: number;
  inFlight?: number;
  tenants?: number;
  attack?: readonly string[];
  /** In ms. */
  duration?: number;
  rate?: number;
  bytes?: number;
  transfers?: number;
  encoding?: string;
  gzip: boolean;
  topology?: string;
  profile?: string;
  out?: string;
  pids?: string;
  storePids?: string;
}

/** A server to measure, when it is not one that the bench starts. */
export interface BenchServer {
  readonly target: Target;
  /** Processes whose CPU and memory are read. */
  readonly pids: readonly number[];
  readonly storePids: readonly number[];
}

/** The arguments of the bench of `@im/proof` for these options; absent ones keep their defaults. */
export function benchArguments(options: BenchCommandOptions, server: BenchServer | undefined): string[] {
  const pids = options.pids ?? server?.pids.join(',');
  const storePids = options.storePids ?? server?.storePids.join(',');
  const given: Readonly<Record<string, string | number | undefined>> = {
    scenario: options.scenario,
    runs: options.runs,
    seconds: options.seconds,
    rates: options.rates,
    hooks: options.hooks,
    connections: options.connections,
    'in-flight': options.inFlight,
    tenants: options.tenants,
    duration: options.duration === undefined ? undefined : Math.ceil(options.duration / 1000),
    rate: options.rate,
    bytes: options.bytes,
    transfers: options.transfers,
    encoding: options.encoding,
    topology: options.topology,
    profile: options.profile,
    out: options.out,
    ...(server && {
      api: server.target.apiUrl,
      ws: server.target.wsUrl,
      secret: requireAdminSecret(server.target),
      'admin-user': server.target.adminUser,
      pids: pids || undefined,
      'store-pids': storePids || undefined,
    }),
  };
  const named = Object.entries(given).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`, String(value)],
  );
  const attacks = (options.attack ?? []).flatMap((name) => ['--attack', name]);
  return [...named, ...attacks, ...(options.gzip ? ['--gzip'] : [])];
}
