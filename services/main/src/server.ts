import type { InvalidTenant, ServerConfig, TenantId } from '@im/contract';
import {
  allAddresses,
  callerProof,
  type KnownProcess,
  type Metrics,
  type MutableTenantDirectory,
  newInstanceId,
  onAbort,
  sleep,
  staticTenants,
} from '@im/kit';
import {
  type BaseDeps,
  createLiveConfig,
  createLogger,
  createMetrics,
  createOpsServer,
  createStatus,
  createTaskRunner,
  type Dependency,
  drainAll,
  Environment,
  type LiveConfig,
  type LiveDeps,
  type Logger,
  type NamedService,
  productVersion,
  READY,
  type Readiness,
  readinessThroughOutages,
  setLogLevel,
  startInOrder,
  stopInReverse,
  wantsFormerNames,
} from '@im/process';
import type { RpcRegistry } from '@im/rpc';
import { createTracing } from '@im/tracing';
import { type ComponentOverrides, createComponents, depsFor } from './components.ts';
import { createInvalidTenants } from './invalid-tenants.ts';
import { createLiveTenants, MAX_UPDATE_BYTES } from './live-tenants.ts';
import { opsAddress } from './ops-address.ts';
import { isDomain, loadModule, type ModuleName, type ProcessModule, servicesOf } from './roles.ts';
import { REFUSALS_MS, refusalReporter, refusalsReport } from './tenant-refusals.ts';

/** What a process is made with besides its config. */
export interface RunOptions {
  /** Roles such as `gateway`, `rpc` or `all`. */
  readonly roles: readonly string[];
  /** Stops the server when it aborts; after an announcement (`GET /prestop`) it drains first. */
  readonly signal?: AbortSignal;
  /** Names the state of the file that the config is from, for the status. */
  readonly configHash?: string;
  /** Tenants that the file names, and that are refused since their entries are invalid. */
  readonly invalidTenants?: readonly InvalidTenant[];
  /** Hashes of the tenants' entries, for the status. */
  readonly tenantHashes?: ReadonlyMap<TenantId, string>;
  /** Where it logs, instead of a logger that it creates. */
  readonly log?: Logger;
  /** Components and services in place of the usual ones; for tests. */
  readonly overrides?: Overrides;
}

/** Changes for tests: components wrapped, services replaced. */
export interface Overrides extends ComponentOverrides {
  /** Gives a service in place of the usual one, which `load` imports. */
  readonly module?: (name: ModuleName, load: () => Promise<ProcessModule>) => Promise<ProcessModule>;
}

/** A running server: every service of its roles, in this process. */
export interface RunningServer extends AsyncDisposable {
  readonly opsPort: number;
  readonly instanceId: string;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly tenants: MutableTenantDirectory;
  readiness(): Readiness;
  /** Resolves when everything is ready. @throws the signal's reason, or an Error when the server stops before. */
  untilReady(signal?: AbortSignal): Promise<void>;
  /** The config in force. */
  readonly live: LiveConfig;
  /**
   * Takes over the settings that may change while it runs. A tenant in force that is invalid now keeps the
   * settings that it has; tenants that are older than what came over the ops port are ignored.
   * @returns the settings that wait for the next start.
   * @throws RangeError when valid tenants contradict each other; then nothing has changed.
   */
  reconfigure(config: ServerConfig, file?: ReadState): readonly string[];
  /** Runs `work` every `intervalMs` for as long as the server runs. */
  every(name: string, intervalMs: number, work: () => Promise<void>): void;
  /**
   * Announces a stop: not ready any more, it serves on until others have learned of it
   * (`shutdown.settleMs`) and a gateway's clients are gone. A stop cuts it short. Asking twice is asking once.
   */
  drain(): Promise<void>;
  /** Stops everything within `shutdown.deadlineMs`. Asking twice is asking once. */
  stop(): Promise<void>;
  /** Longest duration of a stop by the signal now: after an announcement it includes the drain, ms. */
  longestStopMs(): number;
  /** Resolves when the server has stopped. */
  readonly stopped: Promise<void>;
}

/** What else is known of a config that was read from a file. */
export interface ReadState {
  /** Names the state of the file from now on. */
  readonly hash?: string;
  readonly invalidTenants?: readonly InvalidTenant[];
  readonly tenantHashes?: ReadonlyMap<TenantId, string>;
}

const READY_POLL_MS = 20;
/** Time for the last report of what limits refused, ms. */
const LAST_REPORT_MS = 1_000;
/** Validity of the announcement of a stop: a node under load may be late with its SIGTERM, ms. */
const ANNOUNCED_MS = 300_000;

/**
 * Starts the services of the given roles with just the components that they require. Resolves when all have
 * started; backends may still be missing, see {@link RunningServer.readiness}.
 * @throws when something cannot start at all, such as a taken port; what had started is stopped again.
 */
export async function runServer(given: ServerConfig, options: RunOptions): Promise<RunningServer> {
  const { host } = given.listen;
  const config = { ...given, listen: { host: host === '0.0.0.0' ? allAddresses() : host } };
  const names = servicesOf(options.roles);
  const instanceId = newInstanceId();
  const log =
    options.log ?? createLogger({ level: config.log.level, fields: { role: options.roles.join(',') } });
  const metrics = createMetrics({ process: true });
  const tenants = staticTenants(config.tenants, options.invalidTenants);
  const tasks = createTaskRunner({ log, metrics });
  const stopping = new AbortController();
  const live = createLiveConfig(given);
  const tracing = createTracing({
    process: { name: `openim-${options.roles.join('-')}`, instance: instanceId, version: productVersion() },
    ...{ live, tenants, metrics, log },
  });
  const clusterKey = () => live.current.rpc;
  const ops = createOpsServer({
    host: config.listen.host,
    port: config.ops.port,
    log,
    metrics,
    formerMetricNames: wantsFormerNames(new Environment()),
    clusterKey,
  });
  let configHash = options.configHash ?? '';
  const status = createStatus({
    version: productVersion(),
    instance: instanceId,
    roles: options.roles,
    readiness: ops.readiness,
    configHash: () => configHash,
    rpcKey: () => callerProof(clusterKey()),
  });
  const invalidTenants = createInvalidTenants({ log, metrics, status, tenants });
  invalidTenants.report(options.invalidTenants ?? []);
  const liveTenants = createLiveTenants(
    {
      valid: config.tenants,
      invalid: options.invalidTenants ?? [],
      hashes: options.tenantHashes ?? new Map(),
    },
    config.tenantsRevision,
    {
      tenants,
      report: invalidTenants.report,
      isAuthenticated: () => callerProof(clusterKey()) === 'required',
    },
  );
  status.add('tenants', liveTenants.status);
  ops.routes.handle('POST', '/tenants', liveTenants.update, { maxBodyBytes: MAX_UPDATE_BYTES });
  ops.routes.handle('POST', '/tenants/refusals', refusalsReport(instanceId, metrics));
  ops.routes.handle('GET', '/status', () => ({ body: status.read() }));
  // It takes no key, as kubelets have none, so it must not do anything by itself.
  let announcedUntil = 0;
  const isAnnounced = () => performance.now() < announcedUntil;
  ops.routes.handle('GET', '/prestop', () => {
    announcedUntil = performance.now() + ANNOUNCED_MS;
    return { body: status.read() };
  });
  const opsPort = await ops.start();

  let order: readonly NamedService[] = [];
  let readyThroughOutages = false;
  let reportRefusals: ReturnType<typeof refusalReporter> = async () => {};
  try {
    const common = { log, metrics, tenants, tasks, instanceId, status, live, tracing };
    const base = { ...common, ops: ops.routes, signal: stopping.signal };
    // A process with every service is called by no other.
    const serveRpc = !options.roles.includes('all');
    const known = { instance: instanceId, services: names, ops: opsAddress(given.listen.host, opsPort) };
    const process = () => ({ ...known, status: status.read() });
    const context = { ...base, serveRpc, process };
    const composed = await compose(config, names, context, options.overrides);
    ({ order, readyThroughOutages } = composed);
    await startInOrder(order, log);
    if (composed.rpc) {
      const users = composed.rpc.client('user');
      reportRefusals = refusalReporter({ instance: instanceId, metrics, users, log });
      tasks.every('tenant-refusals', REFUSALS_MS, reportRefusals);
    }
  } catch (error) {
    stopping.abort(error);
    await tasks.stop();
    await tracing.close(AbortSignal.abort());
    await ops.stop();
    status.stop();
    throw error;
  }
  ops.setParts(order, readyThroughOutages ? readinessThroughOutages(order) : undefined);
  if (tenants.list().length === 0) log.warn('no tenant is configured, so no client can be served');
  log.info({ instance: instanceId, ops: opsPort, services: names }, 'started');

  let drained: Promise<void> | undefined;
  function drain(): Promise<void> {
    // A gateway that was drained before has been out of sight for long.
    const settleMs = Math.max(0, live.current.shutdown.settleMs - ops.notReadyForMs());
    drained ??= drainAll(order, { settleMs, stopping: stopping.signal, log });
    if (!stopping.signal.aborted) ops.setStopping('draining');
    return drained;
  }
  let stopped: Promise<void> | undefined;
  const stop = () => {
    stopped ??= stopAll();
    return stopped;
  };
  async function stopAll(): Promise<void> {
    const startedAt = performance.now();
    log.info('stopping');
    ops.setStopping();
    await reportRefusals(AbortSignal.timeout(LAST_REPORT_MS));
    stopping.abort(new Error('the server stops'));
    const deadline = AbortSignal.timeout(live.current.shutdown.deadlineMs);
    await stopInReverse(order, deadline, log);
    await tracing.close(deadline);
    await ops.stop();
    status.stop();
    log.info({ ms: Math.round(performance.now() - startedAt) }, 'stopped');
    ended.resolve();
  }
  const ended = Promise.withResolvers<void>();
  const stopBySignal = async () => {
    if (isAnnounced()) await drain();
    await stop();
  };
  if (options.signal?.aborted) await stop();
  else if (options.signal) onAbort(options.signal, () => void stopBySignal());

  return {
    opsPort,
    instanceId,
    log,
    metrics,
    tenants,
    readiness: ops.readiness,
    async untilReady(signal) {
      while (!ops.readiness().ready) {
        if (stopping.signal.aborted) throw new Error('the server stopped before it was ready');
        await sleep(READY_POLL_MS, signal);
      }
    },
    live,
    reconfigure(next, { hash = '', invalidTenants: invalid = [], tenantHashes: hashes = new Map() } = {}) {
      liveTenants.takeFile({ valid: next.tenants, invalid, hashes }, next.tenantsRevision);
      const waiting = live.apply({ ...next, tenants: [...tenants.list()] });
      setLogLevel(log, next.log.level);
      configHash = hash;
      return waiting;
    },
    every: (name, intervalMs, work) => tasks.every(name, intervalMs, work),
    drain,
    stop,
    longestStopMs() {
      const { shutdown, gateway } = live.current;
      const drainMs = isAnnounced() ? shutdown.settleMs + gateway.drain.deadlineMs : 0;
      return drainMs + shutdown.deadlineMs;
    },
    stopped: ended.promise,
    [Symbol.asyncDispose]: stop,
  };
}

/** The parts of a process. */
interface Composition {
  /** Every component and service, in the order of starting. */
  readonly order: readonly NamedService[];
  readonly readyThroughOutages: boolean;
  /** Calls of the domains; undefined where no service makes one. */
  readonly rpc: RpcRegistry | undefined;
}

interface ComposeContext extends Omit<BaseDeps, 'invalidations'>, LiveDeps {
  readonly serveRpc: boolean;
  /** The process as others find it. */
  readonly process: () => KnownProcess;
}

/** Builds every component and service of the process. */
async function compose(
  config: ServerConfig,
  names: readonly ModuleName[],
  { serveRpc, process, ...base }: ComposeContext,
  overrides: Overrides = {},
): Promise<Composition> {
  const load = overrides.module ?? ((_name, loadUsual) => loadUsual());
  const modules = await Promise.all(
    names.map(async (name) => ({ name, module: await load(name, () => loadModule(name)) })),
  );
  const required = new Set<Dependency>(modules.flatMap(({ module }) => [...module.requires]));
  const components = await createComponents(config, required, { ...base, serveRpc }, overrides);
  const processes = components.bus?.processes;
  processes?.announce(process);
  const deps: BaseDeps & LiveDeps = { ...base, processes, invalidations: components.invalidations };
  const domains: NamedService[] = [];
  const others: NamedService[] = [];
  for (const { name, module } of modules) {
    const service = await module.create(config, depsFor(module.requires, deps, components));
    (isDomain(name) ? domains : others).push({ name, service });
  }
  const order = [
    ...components.backends,
    // What runs in the background ends before the connections that it uses.
    {
      name: 'background',
      service: { start: async () => {}, stop: base.tasks.stop, ready: () => READY },
    },
    ...domains,
    ...(components.rpc ? [{ name: 'rpc', service: components.rpc, shared: true }] : []),
    ...others,
  ];
  const readyThroughOutages = modules.every(({ module }) => module.readyThroughOutages);
  return { order, readyThroughOutages, rpc: components.rpc };
}
