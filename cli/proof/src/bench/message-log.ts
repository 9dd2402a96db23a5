import { type Bus, createBus, type LogInfo } from '@im/bus';
import { ServerConfig } from '@im/contract';
import { createLogger, createMetrics, createTaskRunner } from '@im/process';
import type { OwnServer } from './own-server.ts';

/** The message log of a server that the bench started, as an operator sees it. */
export interface WatchedLog extends AsyncDisposable {
  info(): Promise<LogInfo>;
  /** The partition of a conversation, by its queue key. */
  partitionOf(queueKey: string): number;
}

/** Connects to the NATS server of a server. */
export async function watchLog(server: OwnServer): Promise<WatchedLog> {
  const [first] = server.processes;
  if (!first) throw new RangeError('a server without processes has no log');
  const log = createLogger({ level: 'fatal' });
  const metrics = createMetrics();
  const tasks = createTaskRunner({ log, metrics });
  const { nats } = ServerConfig.parse(first.plan.config);
  const bus: Bus = createBus(nats, { log, metrics, tasks, instanceId: 'bench' });
  await bus.start();
  return {
    info: () => bus.log.info(),
    partitionOf: (queueKey) => bus.partitionOf(queueKey),
    async [Symbol.asyncDispose]() {
      await bus.stop(AbortSignal.timeout(5_000));
      await tasks.stop();
    },
  };
}
