import { hostname } from 'node:os';
import { LOG_LEVELS, type LogLevel } from '@im/contract';
import {
  createElection,
  createEventRecorder,
  createKubeClient,
  guardWrites,
  LeadershipError,
} from '@im/kube';
import {
  createLogger,
  createMetrics,
  createOpsServer,
  createTaskRunner,
  Environment,
  endAtOnce,
  type Logger,
  type NamedService,
  notReady,
  productVersion,
  READY,
  runProcess,
  wantsFormerNames,
  warnOfDeprecated,
} from '@im/process';
import { createClusterController } from './controllers/cluster/index.ts';
import { FIELD_MANAGER, OPS_PORT } from './resources/names.ts';

/** Settings of the operator; all come from the environment, which its Deployment sets. */
interface Settings {
  /** Image that clusters run unless their spec names another. */
  readonly image: string;
  /** Namespace of the operator itself. */
  readonly namespace: string | undefined;
  /** Namespace whose clusters it looks after; all when absent. */
  readonly watchNamespace: string | undefined;
  readonly identity: string;
  readonly opsPort: number;
  readonly logLevel: LogLevel;
  readonly formerMetricNames: boolean;
}

/** @throws RangeError that names the variable at fault. */
function readSettings(environment: Environment): Settings {
  const image = environment.get('OPENIM_OPERATOR_IMAGE', 'OPERATOR_IMAGE') ?? '';
  if (image === '') {
    throw new RangeError(
      'OPENIM_OPERATOR_IMAGE is not set: set it to the image that clusters run by default',
    );
  }
  const level = environment.get('OPENIM_LOG_LEVEL', 'LOG_LEVEL') ?? 'info';
  const logLevel = LOG_LEVELS.find((known) => known === level);
  if (!logLevel) throw new RangeError(`OPENIM_LOG_LEVEL: ${level} is none of ${LOG_LEVELS.join(', ')}`);
  const port = environment.get('OPENIM_OPS_PORT', 'OPS_PORT') ?? OPS_PORT;
  const opsPort = Number(port);
  if (!Number.isInteger(opsPort) || opsPort < 0 || opsPort > 65_535) {
    throw new RangeError(`OPENIM_OPS_PORT: ${port} is not a port`);
  }
  return {
    image,
    namespace: environment.get('POD_NAMESPACE'),
    watchNamespace: environment.get('OPENIM_WATCH_NAMESPACE', 'WATCH_NAMESPACE') || undefined,
    identity: `${environment.get('POD_NAME') ?? hostname()}-${process.pid}-${Date.now().toString(36)}`,
    opsPort,
    logLevel,
    formerMetricNames: wantsFormerNames(environment),
  };
}

/** Runs the operator until `signal` aborts. @throws what ends it before. */
async function run(settings: Settings, log: Logger, signal: AbortSignal): Promise<void> {
  const metrics = createMetrics({ process: true });
  const tasks = createTaskRunner({ log, metrics });
  const client = await createKubeClient({ metrics, userAgent: `${FIELD_MANAGER}/${productVersion()}` });
  const namespace = settings.namespace ?? client.namespace;
  const events = createEventRecorder({
    client,
    component: FIELD_MANAGER,
    instance: settings.identity,
    log,
    metrics,
  });
  const election = createElection({
    client,
    namespace,
    name: FIELD_MANAGER,
    identity: settings.identity,
    log,
    metrics,
  });
  const controller = createClusterController({
    client,
    writer: guardWrites(client, election.isLeader),
    events,
    tasks,
    operator: { version: productVersion(), image: settings.image },
    operatorNamespace: namespace,
    namespace: settings.watchNamespace,
    log,
    metrics,
  });
  const ops = createOpsServer({
    host: '0.0.0.0',
    port: settings.opsPort,
    log,
    metrics,
    formerMetricNames: settings.formerMetricNames,
  });
  const parts: NamedService[] = controller.informers.map((informer) => ({
    name: informer.type.plural,
    service: { start: async () => {}, stop: async () => {}, ready: () => informer.ready() },
  }));
  parts.push({
    name: 'process',
    service: {
      start: async () => {},
      stop: async () => {},
      ready: () => (signal.aborted ? notReady('stopping') : READY),
    },
  });
  ops.setParts(parts);
  await ops.start();
  log.info(
    { version: productVersion(), server: client.server, namespace, identity: settings.identity },
    'operator started',
  );
  // One that ends takes the others along: half an operator is worse than a restarted one.
  const failed = new AbortController();
  const all = AbortSignal.any([signal, failed.signal]);
  const together = [
    ...controller.informers.map((informer) => informer.run(all)),
    events.run(all),
    election.run(all, (leading) => controller.lead(leading)),
  ].map((part) =>
    part.catch((error: unknown) => {
      if (error instanceof LeadershipError) {
        // Another instance may lead within a second: there is no time for an orderly shutdown.
        endAtOnce(log, error, 'work went on after leadership');
      }
      failed.abort(error);
      throw error;
    }),
  );
  try {
    await Promise.all(together);
  } finally {
    failed.abort();
    await Promise.allSettled(together);
    await tasks.stop();
    await ops.stop();
    client.close();
  }
}

/** Time to end in order after a signal, in ms. */
const STOP_MS = 20_000;

await runProcess(async ({ signal, supervise }) => {
  const environment = new Environment();
  const settings = readSettings(environment);
  const log = createLogger({ level: settings.logLevel, fields: { role: 'operator' } });
  warnOfDeprecated(environment.deprecated, log);
  supervise({ log, forceAfterMs: () => STOP_MS });
  try {
    await run(settings, log, signal);
  } catch (error) {
    if (signal.aborted) return;
    log.fatal({ err: error }, 'the operator cannot go on');
    process.exitCode = 1;
  }
});
