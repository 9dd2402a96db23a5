import type { Bus, DeliveryProducer } from '@im/bus';
import { sleep } from '@im/kit';
import type { BaseDeps, Service, ServiceModule, StatusRegistry } from '@im/process';
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

/** Between looks whether the log is filling up and whether lanes stand idle. */
const LOG_LOOK_MS = 1_000;
/** Between looks whether it is time to try again what is parked. */
const PARKED_LOOK_MS = 250;
/** Whoever folds this partition purges the log: one process at a time. */
const PURGER_PARTITION = 0;
/** Between looks whether the backends are there. */
const AWAY_MS = 100;

/** Wakes a loop before its time; a ring while the loop works is heard when it waits next. */
function bell() {
  let rung = false;
  let wake = () => {};
  return {
    ring() {
      rung = true;
      wake();
    },
    async wait(ms: number, signal: AbortSignal): Promise<void> {
      const early = new AbortController();
      wake = () => early.abort();
      if (!rung) await sleep(ms, AbortSignal.any([signal, early.signal])).catch(() => {});
      rung = false;
    },
  };
}

/** Folds the message log into sequences, rows and deliveries. */
export const module: ServiceModule<TransferDeps> = {
  name: 'transfer',
  needs: ['store', 'bus'],
  async create(config, { store, bus, log, metrics, background, instanceId, status }): Promise<Service> {
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
    const early = bell();
    const workers = new Workers({
      bus,
      repos,
      log: own,
      metrics: transferMetrics(metrics),
      maxBatch,
      gatherMs,
      cursorIntervalMs,
      instanceId,
      leaseMs,
      partitions: config.nats.partitions,
      producer: () => producer,
      together: store.together,
      onEnd: early.ring,
    });
    status.add('transfer', () => workers.status);
    return {
      async start() {
        producer = bus.deliveries.announceProducer({
          onRedeliver: () => {
            workers.restart();
            early.ring();
          },
          onTakeover: early.ring,
          standing: () => workers.standing,
        });
        background.loop('transfer-partitions', async (signal) => {
          while (!signal.aborted) {
            const able = store.ready().ready && bus.ready().ready;
            if (able) await workers.look();
            await early.wait(able ? leaseMs / 3 : AWAY_MS, signal);
          }
        });
        const purger = new Purger(bus, repos);
        background.every('transfer-purge', LOG_LOOK_MS, async () => {
          if (!bus.ready().ready || !store.ready().ready || !workers.owns(PURGER_PARTITION)) return;
          const first = await purger.look(performance.now());
          if (first !== undefined) own.debug({ first }, 'log purged');
        });
        background.every('transfer-parked', PARKED_LOOK_MS, async () => workers.retryParked());
        background.every('transfer-idle-marks', LOG_LOOK_MS, async () => {
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
};
