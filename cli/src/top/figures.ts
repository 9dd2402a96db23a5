import type { TenantOnGateway } from '@im/contract';
import type { ProcessReading, Reading } from './reading.ts';

/** What a process does; null where it does not say, and rates also before the second reading. */
export interface ProcessFigures {
  readonly process: string;
  readonly roles: readonly string[];
  readonly state: string;
  /** Of one core. */
  readonly cpuPercent: number | null;
  readonly rssBytes: number | null;
  readonly eventLoopDelayMs: number | null;
  readonly connections: number | null;
  readonly users: number | null;
  readonly sendsPerSecond: number | null;
  readonly pushesPerSecond: number | null;
  readonly refusalsPerSecond: number | null;
  readonly lagRecords: number | null;
}

/** What a tenant has and does on all gateways. */
export interface TenantFigures {
  readonly tenant: string;
  readonly gateways: number;
  /** A user on two gateways counts twice. */
  readonly users: number;
  readonly connections: number;
  readonly sendsPerSecond: number | null;
  readonly pushesPerSecond: number | null;
  readonly refusalsPerSecond: number | null;
}

/** What one screen shows, and programs get. */
export interface Figures {
  /** ISO 8601. */
  readonly time: string;
  /** Time over which rates are averages, s; null before the second reading. */
  readonly seconds: number | null;
  readonly totals: {
    readonly processes: number;
    readonly connections: number;
    readonly sendsPerSecond: number | null;
    readonly pushesPerSecond: number | null;
    readonly refusalsPerSecond: number | null;
    readonly lagRecords: number | null;
  };
  readonly processes: readonly ProcessFigures[];
  readonly tenants: readonly TenantFigures[];
  /** Tenants that gateways have besides these, at least. */
  readonly tenantsOmitted: number;
  readonly problems: readonly string[];
}

type Total = 'cpuSeconds' | 'sends' | 'accepted' | 'pushes' | 'refusals';

/** How much a total grew; one of a process that started again began at 0. */
function growth(now: number, before: number | undefined): number {
  return before === undefined || now < before ? now : now - before;
}

function sum(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : known.reduce((total, value) => total + value, 0);
}

/** How a total of a process changes per second; null while that is not known. */
function rateOf(
  total: Total,
  now: ProcessReading,
  before: ProcessReading | undefined,
  seconds: number | null,
): number | null {
  const value = now[total];
  if (value === undefined || seconds === null || before === undefined) return null;
  const same = before.instance === now.instance;
  return growth(value, same ? before[total] : undefined) / seconds;
}

function processFigures(
  now: ProcessReading,
  before: ProcessReading | undefined,
  seconds: number | null,
): ProcessFigures {
  const rate = (total: Total) => rateOf(total, now, before, seconds);
  const cpu = rate('cpuSeconds');
  return {
    ...{ process: now.name, roles: now.roles, state: now.state },
    cpuPercent: cpu === null ? null : cpu * 100,
    ...{ rssBytes: now.rssBytes ?? null, eventLoopDelayMs: now.eventLoopDelayMs ?? null },
    ...{ connections: now.connections ?? null, users: now.users ?? null },
    ...{ sendsPerSecond: rate('sends'), pushesPerSecond: rate('pushes') },
    ...{ refusalsPerSecond: rate('refusals'), lagRecords: now.lagRecords ?? null },
  };
}

interface Summed {
  gateways: number;
  users: number;
  connections: number;
  sends: number;
  pushes: number;
  refusals: number;
}

function tenantFigures(now: Reading, before: Reading | undefined, seconds: number | null): TenantFigures[] {
  const found = new Map<string, Summed>();
  for (const { name, instance, tenants } of now.processes) {
    const last = before?.processes.find((each) => each.name === name && each.instance === instance);
    const former = new Map<string, TenantOnGateway>(last?.tenants.map((each) => [each.tenant, each]));
    for (const { tenant, users, connections, sends, pushes, refusals } of tenants) {
      const all = found.get(tenant) ?? {
        ...{ gateways: 0, users: 0, connections: 0, sends: 0, pushes: 0, refusals: 0 },
      };
      found.set(tenant, all);
      all.gateways += connections > 0 ? 1 : 0;
      all.users += users;
      all.connections += connections;
      const known = former.get(tenant);
      // A gateway seen for the first time may have had its totals for days.
      if (known === undefined && (last === undefined || last.tenantsOmitted > 0)) continue;
      all.sends += growth(sends, known?.sends);
      all.pushes += growth(pushes, known?.pushes);
      all.refusals += growth(refusals, known?.refusals);
    }
  }
  const rate = (total: number) => (seconds === null ? null : total / seconds);
  return [...found].map(([tenant, { gateways, users, connections, sends, pushes, refusals }]) => ({
    ...{ tenant, gateways, users, connections },
    ...{ sendsPerSecond: rate(sends), pushesPerSecond: rate(pushes), refusalsPerSecond: rate(refusals) },
  }));
}

/** What happened between two readings. @param time of the later one, ms since the epoch. */
export function figuresOf(now: Reading, before: Reading | undefined, time: number): Figures {
  const seconds = before === undefined ? null : Math.max(0.001, (now.atMs - before.atMs) / 1_000);
  const former = (process: ProcessReading) => before?.processes.find(({ name }) => name === process.name);
  const processes = now.processes.map((process) => processFigures(process, former(process), seconds));
  // Also what the HTTP API takes, where a process is among them that accepts messages.
  const accepted = sum(now.processes.map((process) => rateOf('accepted', process, former(process), seconds)));
  const all = <K extends keyof ProcessFigures>(key: K) =>
    sum(processes.map((process) => process[key] as number | null));
  return {
    time: new Date(time).toISOString(),
    seconds,
    totals: {
      processes: processes.length,
      connections: all('connections') ?? 0,
      sendsPerSecond: accepted ?? all('sendsPerSecond'),
      ...{ pushesPerSecond: all('pushesPerSecond') },
      ...{ refusalsPerSecond: all('refusalsPerSecond'), lagRecords: all('lagRecords') },
    },
    processes,
    tenants: tenantFigures(now, before, seconds),
    tenantsOmitted: now.processes.reduce((most, { tenantsOmitted }) => Math.max(most, tenantsOmitted), 0),
    problems: now.problems,
  };
}
