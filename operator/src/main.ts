import { allAddresses } from '@im/kit';
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
  warnOfDeprecated,
} from '@im/process';
import { createClusterController } from './controllers/cluster/index.ts';
import { FIELD_MANAGER } from './resources/names.ts';
import { readSettings, type Settings } from './settings.ts';

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
    name: settings.leaseName,
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
    placeLimits: settings.placeLimits,
    log,
    metrics,
  });
  const ops = createOpsServer({
    host: allAddresses(),
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
