import type { DeliveryProducer, ProducerState } from '@im/bus';
import type { TransferStatus } from '@im/contract';
import { Backoff, messageOf, randomId } from '@im/kit';
import { type Logger, notReady, READY, type Readiness } from '@im/process';
import type { Cursors, GroupCommit, ParkedUnit, PartitionCursor } from '@im/store';
import { LogChangedError } from './counted.ts';
import { IdleMarks } from './idle-marks.ts';
import { epochOfLog, positionsSetBack } from './log-epoch.ts';
import { ConsumerWatch, fairShare, freePartitions, withConsumerProgress } from './ownership.ts';
import type { ParkedCounts } from './parking.ts';
import { type ConsumerDeps, type ConsumerWriters, PartitionConsumer } from './partition-consumer.ts';
import { ContradictionError } from './row-writer.ts';

/** What {@link Workers} need. */
export interface WorkersDeps extends ConsumerDeps {
  readonly instanceId: string;
  readonly leaseMs: number;
  readonly partitions: number;
  readonly producer: () => DeliveryProducer | undefined;
  readonly groupCommit: GroupCommit;
  /** A consumer has ended; the next poll is due. */
  readonly onEnd: () => void;
  readonly log: Logger;
}

interface Running {
  readonly consumer: PartitionConsumer;
  readonly done: Promise<void>;
}

/** A consumer that is opened within this time after the failure of one folds each tenant apart. */
const ISOLATE_WITHIN_MS = 60_000;
/** With this many consumers, the smallest are ended and taken up again as one. */
const MAX_CONSUMERS = 4;

/**
 * The partition consumers of this process. Takes its share of the partitions, gives back what is more than that,
 * takes over from dead consumers, and restarts what failed.
 */
export class Workers {
  readonly #deps: WorkersDeps;
  readonly #watch: ConsumerWatch;
  readonly #marks: IdleMarks;
  readonly #running = new Map<string, Running>();
  /** Conversations of which the database was found to contradict the log, until a consumer has parked them. */
  #suspects: ParkedUnit[] = [];
  /** Epoch in which a consumer last met another record in the log than was counted: the next ones are of a later epoch. */
  #changedIn: number | undefined;
  #isolateUntil = 0;
  readonly #backoff = new Backoff({ baseMs: 100, maxMs: 3_000 });
  #retryAt = 0;
  #generation = 0;
  #prepared = false;
  #stopping = false;
  #reason = 'partitions have not been read yet';

  constructor(deps: WorkersDeps) {
    this.#deps = deps;
    this.#watch = new ConsumerWatch(deps.leaseMs);
    this.#marks = new IdleMarks(deps.bus.log);
  }

  /** Ready once the partitions were read. What is parked does not count: all others are served. */
  ready(): Readiness {
    return this.#reason === '' ? READY : notReady(this.#reason);
  }

  /** What this process announces to feeds. */
  get producerState(): ProducerState {
    return { generation: this.#generation, allPartitionsOwned: this.#reason === '' && !this.#stopping };
  }

  get status(): TransferStatus {
    const lags = [...this.#running.values()].map(({ consumer }) => consumer.behind);
    return {
      partitions: this.owned,
      lagRecords: lags.reduce((sum, lag) => sum + lag, 0),
      ...this.#parked(),
    };
  }

  /** Whether a consumer of this process folds this partition. */
  owns(partition: number): boolean {
    for (const { consumer } of this.#running.values())
      if (consumer.partitions.includes(partition)) return true;
    return false;
  }

  /** Moves consumers on that get no records, so that they do not hold up the purge. @returns how many. */
  markIdle(): Promise<number> {
    const consumers = [...this.#running.values()].map(({ consumer }) => consumer);
    return this.#marks.poll(consumers, performance.now());
  }

  /** Begins to try again what consumers have parked. */
  retryParked(): void {
    for (const { consumer } of this.#running.values()) consumer.retryParked();
  }

  #parked(): Pick<TransferStatus, 'parkedTenants' | 'parkedConversations' | 'parkedRecords'> {
    const counts = [...this.#running.values()].map(({ consumer }) => consumer.parked);
    const sum = (count: (c: ParkedCounts) => number) => counts.reduce((total, c) => total + count(c), 0);
    return {
      parkedTenants: sum((c) => c.tenants),
      parkedConversations: sum((c) => c.conversations),
      parkedRecords: sum((c) => c.records),
    };
  }

  get owned(): number {
    let count = 0;
    for (const { consumer } of this.#running.values()) count += consumer.partitions.length;
    return count;
  }

  /** Reads who owns what, and acts. @throws when the database is unavailable. */
  async poll(): Promise<void> {
    if (this.#stopping) return;
    const { repos, partitions, metrics } = this.#deps;
    try {
      if (!this.#prepared) await repos.cursors.ensurePartitions(partitions);
      this.#prepared = true;
      await this.#renewLeases();
      const cursors = await repos.cursors.read();
      this.#dropLost(cursors);
      this.#endEarlierEpochs(cursors);
      const changed = await this.#balance(cursors);
      this.#reason = this.#waiting(changed ? await repos.cursors.read() : cursors);
    } catch (error) {
      this.#reason = `partitions: ${messageOf(error)}`;
      throw error;
    } finally {
      metrics.owned.set(this.owned);
      const parked = this.#parked();
      metrics.parkedTenants.set(parked.parkedTenants);
      metrics.parkedConversations.set(parked.parkedConversations);
      metrics.parkedRecords.set(parked.parkedRecords);
      const sizes = [...this.#running.values()].map(({ consumer }) => consumer.sizes);
      metrics.dedupKeys.set(sizes.reduce((sum, s) => sum + s.dedupKeys, 0));
      metrics.conversations.set(sizes.reduce((sum, s) => sum + s.conversations, 0));
    }
  }

  /** Ends every consumer, so that the next poll takes the partitions over and delivers the last seconds once more. */
  restart(): void {
    for (const { consumer } of this.#running.values()) consumer.stop();
  }

  /** Finishes what was read and gives all partitions back. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.restart();
    await Promise.all([...this.#running.values()].map(({ done }) => done));
  }

  async #renewLeases(): Promise<void> {
    const { repos } = this.#deps;
    for (const { consumer } of this.#running.values()) {
      const known = await repos.cursors.renewLease(consumer.id, Date.now());
      if (!known) consumer.stop();
    }
  }

  /** Why some partitions have no live consumer; empty when all have one. */
  #waiting({ partitions }: Cursors): string {
    const idle = partitions.filter(
      ({ consumer }) => !this.#running.has(consumer) && !this.#watch.seenAlive(consumer),
    );
    return idle.length === 0 ? '' : `${idle.length} partitions wait for the lease of their former owner`;
  }

  /** A consumer that lost a partition ends: its memory of the others is taken up by the next one. */
  #dropLost(cursors: Cursors): void {
    const owner = new Map(cursors.partitions.map((p) => [p.partition, p]));
    for (const { consumer } of this.#running.values()) {
      const lost = consumer.partitions.filter((p) => {
        const now = owner.get(p);
        return now?.consumer !== consumer.id || now.fence !== consumer.fenceOf(p);
      });
      if (lost.length === 0) continue;
      this.#deps.log.warn(
        { consumer: consumer.id, partitions: lost.length },
        'partitions were taken over by another process',
      );
      consumer.stop();
    }
  }

  /** Consumers whose positions are of an earlier epoch would hold up the purge: the next ones count in the epoch of now. */
  #endEarlierEpochs({ epoch }: Cursors): void {
    for (const { consumer } of this.#running.values()) if (consumer.epoch < epoch) consumer.stop();
  }

  /** @returns whether partitions were taken. */
  async #balance(cursors: Cursors): Promise<boolean> {
    const { partitions, producer, repos } = this.#deps;
    const dead = this.#watch.dead(cursors.consumers, performance.now());
    // Our own consumers are as alive as we are.
    for (const id of this.#running.keys()) dead.delete(id);
    const share = fairShare(partitions, producer()?.liveProducers().length ?? 1);
    if (this.owned > share) {
      this.#releaseSurplus(this.owned - share);
      return false;
    }
    if (this.#running.size >= MAX_CONSUMERS) this.#merge();
    const free = freePartitions(cursors, dead);
    const wanted = free.slice(0, share - this.owned);
    const expired = this.#watch.expired(cursors, performance.now());
    if (expired.length > 0) await repos.cursors.removeConsumers(expired);
    if (wanted.length === 0 || performance.now() < this.#retryAt) return false;
    await this.#open(wanted, cursors);
    return true;
  }

  /** Ends consumers until at most the share is left; what was ended is taken up again, up to the share. */
  #releaseSurplus(surplus: number): void {
    let left = surplus;
    for (const { consumer } of [...this.#running.values()].reverse()) {
      if (left <= 0) return;
      left -= consumer.partitions.length;
      consumer.stop();
    }
  }

  #merge(): void {
    const bySize = [...this.#running.values()].sort(
      (a, b) => a.consumer.partitions.length - b.consumer.partitions.length,
    );
    for (const { consumer } of bySize.slice(0, 2)) consumer.stop();
  }

  async #open(wanted: readonly PartitionCursor[], cursors: Cursors): Promise<void> {
    const { groupCommit, log } = this.#deps;
    await this.#releaseStaleSessions(wanted, cursors);
    const writers = { rows: groupCommit.open(), reads: groupCommit.open() };
    let consumer: PartitionConsumer | undefined;
    try {
      consumer = await this.#claim(wanted, cursors, writers);
    } finally {
      if (!consumer) await closeWriters(writers);
    }
    if (!consumer) return;
    const { producer } = this.#deps;
    for (const partition of consumer.partitions) {
      const fence = consumer.fenceOf(partition) ?? 0;
      if (fence > 1) producer()?.announceTakeover(partition, fence);
    }
    log.info({ consumer: consumer.id, partitions: consumer.partitions.length }, 'partitions taken');
    this.#running.set(consumer.id, { consumer, done: this.#supervise(consumer, writers) });
  }

  /** @returns undefined when others were faster. */
  async #claim(
    wanted: readonly PartitionCursor[],
    cursors: Cursors,
    writers: ConsumerWriters,
  ): Promise<PartitionConsumer | undefined> {
    const { repos, bus, instanceId, log } = this.#deps;
    const current = wanted.map((p) => withConsumerProgress(p, cursors.consumers));
    const info = await bus.log.info();
    const epoch = await epochOfLog(repos.cursors, bus.log, info, cursors, log, this.#changedIn);
    const setBack = await positionsSetBack(bus.log, info, epoch, current);
    const id = `${instanceId}-${randomId(4)}`;
    // Announced to feeds before anything is read: a client that synchronizes from then on gets what was stored before.
    const generation = await repos.cursors.nextGeneration();
    this.#generation = generation;
    await repos.cursors.openConsumer(id, instanceId, Date.now(), sessionsOf(writers));
    const claimed = await repos.cursors.claim(
      id,
      current.map((p, i) => ({
        ...p,
        consumer: wanted[i]?.consumer ?? '',
        applied: setBack.get(p.partition) ?? p.applied,
      })),
    );
    if (claimed.length === 0) {
      await repos.cursors.closeConsumer(id, { applied: 0, appliedTime: 0 });
      return undefined;
    }
    const partitions = claimed.map((p) => ({ ...p, setBack: setBack.has(p.partition) }));
    const isolate = performance.now() < this.#isolateUntil;
    const park = this.#suspects;
    this.#suspects = [];
    return new PartitionConsumer(
      { id, generation, epoch, createdMs: info.createdMs, partitions, writers, isolate, park },
      { ...this.#deps, log: log.child({ consumer: id }) },
    );
  }

  /** Dead consumers may have died between the beginning and the end of a write: what they locked must be free. */
  async #releaseStaleSessions(wanted: readonly PartitionCursor[], { consumers }: Cursors): Promise<void> {
    const former = new Set(wanted.map(({ consumer }) => consumer));
    await this.#deps.groupCommit.release(
      [...former].flatMap((consumer) => consumers.get(consumer)?.sessions ?? []),
    );
  }

  async #supervise(consumer: PartitionConsumer, writers: ConsumerWriters): Promise<void> {
    const { repos, metrics, log, groupCommit } = this.#deps;
    const startedAt = performance.now();
    try {
      await consumer.run();
      metrics.consumers.inc({ end: 'stopped' });
    } catch (error) {
      metrics.consumers.inc({ end: 'failed' });
      log.warn(
        { consumer: consumer.id, err: error },
        'a partition consumer failed; the next one starts from the cursor',
      );
      if (error instanceof LogChangedError) this.#changedIn = consumer.epoch;
      else if (error instanceof ContradictionError) this.#suspects.push(error.unit);
      else this.#isolateUntil = performance.now() + ISOLATE_WITHIN_MS;
      if (performance.now() - startedAt > 30_000) this.#backoff.reset();
      this.#retryAt = performance.now() + this.#backoff.next();
    }
    try {
      await closeWriters(writers);
      await groupCommit.release(sessionsOf(writers));
      await repos.cursors.closeConsumer(consumer.id, consumer.progress);
    } catch (error) {
      log.debug(
        { consumer: consumer.id, err: error },
        'partitions could not be given back; they are taken over in time',
      );
    }
    this.#running.delete(consumer.id);
    this.#deps.onEnd();
  }
}

function sessionsOf({ rows, reads }: ConsumerWriters): Uint8Array[] {
  return [rows.sessionId, reads.sessionId];
}

async function closeWriters({ rows, reads }: ConsumerWriters): Promise<void> {
  await Promise.all([rows.close(), reads.close()]);
}
