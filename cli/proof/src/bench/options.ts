import { parseArgs } from 'node:util';
import { DEFAULT_ADMIN_USER } from '@im/contract';
import { ATTACKS } from './bystander/attacks.ts';
import { HOOKS, type Hook } from './hooked-tenant.ts';
import type { Topology } from './own-server.ts';

/** Scenarios that run when none is named, in this order. */
export const DEFAULT_SCENARIOS = ['single', 'hot', 'group-1000', 'pull', 'http', 'logins', 'idle'] as const;
/** All scenarios, in the order in which they run. */
export const SCENARIO_NAMES = [...DEFAULT_SCENARIOS, 'tenants', 'bystander', 'soak'] as const;
export type ScenarioName = (typeof SCENARIO_NAMES)[number];

/** A server that runs already. */
export interface ExternalServer {
  readonly api: string;
  readonly ws: string;
  readonly secret: string;
  readonly adminUser: string;
  /** Processes of this machine whose CPU and memory are read. */
  readonly ourPids: readonly number[];
  readonly storePids: readonly number[];
}

/** How scenario soak loads a server. */
export interface SoakOptions {
  readonly seconds: number;
  /** Messages per second. */
  readonly rate: number;
  /** Length of a text. */
  readonly bytes: number;
}

export interface BenchOptions {
  readonly external: ExternalServer | undefined;
  readonly topology: Topology;
  readonly scenarios: readonly ScenarioName[];
  /** Times that each scenario is run; undefined leaves it to the scenario. */
  readonly runs: number | undefined;
  readonly rates: readonly number[];
  /** Webhooks with which scenario single runs as well. */
  readonly hooks: readonly Hook[];
  readonly seconds: number;
  readonly connections: number;
  /** Tenants that scenario tenants adds. */
  readonly tenants: number;
  /** Tokens, and connections, asked for at once; undefined means 16 and 32. */
  readonly inFlight: number | undefined;
  readonly soak: SoakOptions;
  /** Attacks of scenario bystander; empty means all. */
  readonly attacks: readonly string[];
  /** Length of an attack, and of the quiet time before it. */
  readonly attackSeconds: number;
  /** Processes of an own server that have the role transfer; undefined means as many as it has by default. */
  readonly transfers: number | undefined;
  readonly out: string;
  /** Folder for CPU profiles of our own processes; none when empty. */
  readonly profileDir: string;
  readonly encoding: 'json' | 'gob';
  readonly gzip: boolean;
}

export const BENCH_USAGE = `usage: bench [options]
  --scenario <names>     of ${SCENARIO_NAMES.join(', ')} (default ${DEFAULT_SCENARIOS.join(',')})
  --runs <n>             times that each is run (default 3; tenants, bystander and soak 1)
  --seconds <n>          length of one measurement (default 15)
  --rates <list>         messages/s of scenario single (default 20,200,500,1000,2000; 0 is a closed loop)
  --hooks <names>        of before, after: scenario single runs with this webhook of each message as well
  --connections <n>      of scenarios idle and logins and of the attack reconnects (default 5000)
  --tenants <n>          that scenario tenants adds (default 1000)
  --in-flight <n>        tokens, and connections, that are asked for at once (default 16 and 32)
  --attack <name>        of scenario bystander, may be repeated (default all):
${ATTACKS.map(({ name, summary }) => `                         ${name}: ${summary}`).join('\n')}
  --duration <seconds>   length of scenario soak (default 2400) or of an attack of bystander (default 15)
  --rate <n>             messages/s of scenario soak (default 1500)
  --bytes <n>            length of a text of scenario soak (default 1024)
  --transfers <n>        processes of an own server with the role transfer (default 2; 1 with soak or topology one);
                         with 2 or more, soak writes into one partition, so that the others own idle ones
  --encoding json|gob    (default json), --gzip
  --topology one|many    how our own server is cut into processes (default many)
  --profile <dir>        CPU profiles of our own processes
  --out <file>           JSON (default bench-results/<time>.json)
  any other OpenIM-compatible server:
  --api <url> --ws <url> --secret <s> [--admin-user imAdmin] [--pids 1,2] [--store-pids 3,4]`;

/** @throws RangeError that says what is wrong. */
export function parseBenchOptions(
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      scenario: { type: 'string' },
      runs: { type: 'string' },
      seconds: { type: 'string', default: '15' },
      rates: { type: 'string', default: '20,200,500,1000,2000,0' },
      hooks: { type: 'string', default: '' },
      connections: { type: 'string', default: '5000' },
      tenants: { type: 'string', default: '1000' },
      'in-flight': { type: 'string' },
      attack: { type: 'string', multiple: true, default: [] },
      duration: { type: 'string' },
      rate: { type: 'string', default: '1500' },
      bytes: { type: 'string', default: '1024' },
      transfers: { type: 'string' },
      encoding: { type: 'string', default: 'json' },
      gzip: { type: 'boolean', default: false },
      topology: { type: 'string', default: 'many' },
      profile: { type: 'string', default: '' },
      out: { type: 'string', default: '' },
      api: { type: 'string' },
      ws: { type: 'string' },
      secret: { type: 'string' },
      'admin-user': { type: 'string', default: DEFAULT_ADMIN_USER },
      pids: { type: 'string', default: '' },
      'store-pids': { type: 'string', default: '' },
    },
  });
  const chosen: readonly string[] = values.scenario?.split(',') ?? DEFAULT_SCENARIOS;
  const scenarios = SCENARIO_NAMES.filter((name) => chosen.includes(name));
  const unknown = chosen.filter((name) => !SCENARIO_NAMES.some((known) => known === name));
  if (unknown.length > 0) throw new RangeError(`there is no scenario ${unknown.join(', ')}`);
  const strange = values.attack.find((name) => !ATTACKS.some((attack) => attack.name === name));
  if (strange !== undefined) throw new RangeError(`there is no attack ${strange}`);
  if (values.topology !== 'one' && values.topology !== 'many') {
    throw new RangeError('--topology must be one or many');
  }
  if (values.encoding !== 'json' && values.encoding !== 'gob') {
    throw new RangeError('--encoding must be json or gob');
  }
  const { api, ws } = values;
  const secret = values.secret ?? env.OPENIM_ADMIN_SECRET;
  if ((api === undefined) !== (ws === undefined)) throw new RangeError('--api and --ws belong together');
  if (api !== undefined && secret === undefined) throw new RangeError('--secret is missing');
  return {
    external:
      api === undefined || ws === undefined || secret === undefined
        ? undefined
        : {
            api: api.replace(/\/$/, ''),
            ws: ws.replace(/\/$/, ''),
            secret,
            adminUser: values['admin-user'],
            ourPids: numbers('--pids', values.pids),
            storePids: numbers('--store-pids', values['store-pids']),
          },
    topology: values.topology,
    scenarios,
    runs: values.runs === undefined ? undefined : number('--runs', values.runs),
    rates: numbers('--rates', values.rates),
    hooks: hooksOf(values.hooks),
    seconds: number('--seconds', values.seconds),
    connections: number('--connections', values.connections),
    tenants: number('--tenants', values.tenants),
    inFlight: values['in-flight'] === undefined ? undefined : number('--in-flight', values['in-flight']),
    soak: {
      seconds: number('--duration', values.duration ?? '2400'),
      rate: number('--rate', values.rate),
      bytes: number('--bytes', values.bytes),
    },
    attacks: values.attack,
    attackSeconds: number('--duration', values.duration ?? '15'),
    transfers: values.transfers === undefined ? undefined : number('--transfers', values.transfers),
    out: values.out || `bench-results/${new Date().toISOString().replace(/[:.]/g, '-')}.json`,
    profileDir: values.profile,
    encoding: values.encoding,
    gzip: values.gzip,
  };
}

function hooksOf(text: string): Hook[] {
  const names: readonly string[] = text === '' ? [] : text.split(',');
  const hooks = HOOKS.filter((hook) => names.includes(hook));
  if (hooks.length < names.length) throw new RangeError(`--hooks must be of ${HOOKS.join(', ')}`);
  return hooks;
}

function number(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new RangeError(`${name} must be a whole number above 0`);
  return value;
}

function numbers(name: string, text: string): number[] {
  if (text === '') return [];
  return text.split(',').map((part) => {
    const value = Number(part);
    if (!Number.isInteger(value) || value < 0) throw new RangeError(`${name} must be whole numbers`);
    return value;
  });
}
