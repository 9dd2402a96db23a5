import type { Bus, DeliveryProducer } from '@im/bus';
import { NO_TRACING, sleep } from '@im/kit';
import { type BaseDeps, defineService, type Service, type StatusRegistry } from '@im/process';
import {
  conversationSeqs,
  conversationSettingsChanges,
  cursorRepo,
  deadLetterRepo,
  dedupBlockRepo,
  foldCommit,
  msgRows,
  parkedRecordRepo,
  type Store,
  seqUsers,
} from '@im/store';
import { transferMetrics } from './metrics.ts';
import { Purger } from './purge.ts';
import type { Repos } from './repos.ts';
import { Workers } from './workers.ts';

/** What transfer needs of its process. */
export type TransferDeps = BaseDeps & { status: Pick<StatusRegistry, 'add'>; store: Store; bus: Bus };

/** Poll interval of the log's size and of idle consumers. */
const LOG_POLL_MS = 1_000;
/** Poll interval of parked records whose retry is due. */
const RETRY_PARKED_MS = 250;
/** The owner of this partition purges the log: one process at a time. */
const PURGER_PARTITION = 0;
/** Poll interval while a store is unavailable. */
const UNAVAILABLE_POLL_MS = 100;

/** Ends the wait of a loop early; a wake-up while the loop works ends its next wait. */
function wakeup() {
  let pending = false;
  let interrupt = () => {};
  return {
    wake() {
      pending = true;
      interrupt();
    },
    async wait(ms: number, signal: AbortSignal): Promise<void> {
      const early = new AbortController();
      interrupt = () => early.abort();
      if (!pending) await sleep(ms, AbortSignal.any([signal, early.signal])).catch(() => {});
      pending = false;
    },
  };
}

/** Folds the message log into sequences, rows and deliveries. */
export const transferService = defineService({
  name: 'transfer',
  requires: ['store', 'bus'],
  settings: ['transfer', 'nats'],
  async create(
    config,
    { store, bus, log, metrics, tasks, instanceId, status, tracing = NO_TRACING }: TransferDeps,
  ): Promise<Service> {
    const own = log.child({ part: 'transfer' });
    const { leaseMs, maxBatch, gatherMs, cursorIntervalMs } = config.transfer;
    const repos: Repos = {
      fold: foldCommit(store),
      rows: msgRows(store),
      conversationSeqs: conversationSeqs(store),
      seqUsers: seqUsers(store),
      conversationSettings: conversationSettingsChanges(store),
      cursors: cursorRepo(store),
      deadLetters: deadLetterRepo(store),
      dedupBlocks: dedupBlockRepo(store),
      parked: parkedRecordRepo(store),
      placements: store.placements,
    };
    let producer: DeliveryProducer | undefined;
    const next = wakeup();
    const workers = new Workers({
      bus,
      repos,
      log: own,
      metrics: transferMetrics(metrics),
      maxBatch,
      gatherMs,
      cursorIntervalMs,
      tracing,
      instanceId,
      leaseMs,
      partitions: config.nats.partitions,
      producer: () => producer,
      groupCommit: store.groupCommit,
      onEnd: next.wake,
    });
    status.add('transfer', () => workers.status);
    return {
      async start() {
        producer = bus.deliveries.announceProducer({
          onRedeliver: () => {
            workers.restart();
            next.wake();
          },
          onTakeover: next.wake,
          state: () => workers.producerState,
        });
        tasks.loop('transfer-partitions', async (signal) => {
          while (!signal.aborted) {
            const able = store.ready().ready && bus.ready().ready;
            if (able) await workers.poll();
            await next.wait(able ? leaseMs / 3 : UNAVAILABLE_POLL_MS, signal);
          }
        });
        const purger = new Purger(bus, repos);
        tasks.every('transfer-purge', LOG_POLL_MS, async () => {
          if (!bus.ready().ready || !store.ready().ready || !workers.owns(PURGER_PARTITION)) return;
          const first = await purger.poll(performance.now());
          if (first !== undefined) own.debug({ first }, 'log purged');
        });
        tasks.every('transfer-parked', RETRY_PARKED_MS, async () => workers.retryParked());
        tasks.every('transfer-idle-marks', LOG_POLL_MS, async () => {
          if (!bus.ready().ready) return;
          const marks = await workers.markIdle();
          if (marks > 0) own.debug({ marks }, 'idle cursors moved on');
        });
      },
      async stop() {
        await workers.stop();
        await producer?.stop();
      },
      ready: () => workers.ready(),
    };
  },
});
