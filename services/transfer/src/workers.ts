import type { DeliveryProducer, ProducerStanding } from '@im/bus';
import type { TransferStatus } from '@im/contract';
import { Backoff, randomId } from '@im/kit';
import { type Logger, notReady, READY, type Readiness } from '@im/process';
import type { Cursors, ParkedUnit, PartitionCursor, Together } from '@im/store';
import { LogChangedError } from './counted.ts';
import { IdleMarks } from './idle-marks.ts';
import { Lane, type LaneDeps, type LaneWriters } from './lane.ts';
import { epochOfLog, positionsSetBack } from './log-epoch.ts';
import { fairShare, freePartitions, LaneWatch, withLaneProgress } from './ownership.ts';
import type { ParkedCounts } from './parking.ts';
import { ContradictionError } from './row-writer.ts';

/** Parts of {@link Workers}. */
export interface WorkersDeps extends LaneDeps {
  readonly instanceId: string;
  readonly leaseMs: number;
  readonly partitions: number;
  readonly producer: () => DeliveryProducer | undefined;
  readonly together: Together;
  /** A run has ended; another look is due. */
  readonly onEnd: () => void;
  readonly log: Logger;
}

interface Running {
  readonly lane: Lane;
  readonly done: Promise<void>;
}

/** A lane that is opened within this time after the failure of one folds each tenant apart. */
const ISOLATE_WITHIN_MS = 60_000;
/** With this many lanes, the smallest are ended and taken up again as one. */
const MAX_LANES = 4;

/**
 * The lanes of this process. It takes its share of the partitions, gives back what is more than that,
 * takes over what dead lanes had, and starts again what failed.
 */
export class Workers {
  readonly #deps: WorkersDeps;
  readonly #watch: LaneWatch;
  readonly #marks: IdleMarks;
  readonly #running = new Map<string, Running>();
  /** Conversations of which the database was found to contradict the log, until a lane has parked them. */
  #suspects: ParkedUnit[] = [];
  /** Epoch in which a lane last met another record in the log than was counted: the next ones are of a later epoch. */
  #changedIn: number | undefined;
  #isolateUntil = 0;
  readonly #backoff = new Backoff({ baseMs: 100, maxMs: 3_000 });
  #retryAt = 0;
  #run = 0;
  #prepared = false;
  #stopping = false;
  #reason = 'partitions have not been looked at';

  constructor(deps: WorkersDeps) {
    this.#deps = deps;
    this.#watch = new LaneWatch(deps.leaseMs);
    this.#marks = new IdleMarks(deps.bus.log);
  }

  /** Ready once the partitions were looked at. What is parked does not count: all others are served. */
  ready(): Readiness {
    return this.#reason === '' ? READY : notReady(this.#reason);
  }

  /** What feeds are told. */
  get standing(): ProducerStanding {
    return { run: this.#run, covered: this.#reason === '' && !this.#stopping };
  }

  get status(): TransferStatus {
    const lags = [...this.#running.values()].map(({ lane }) => lane.behind);
    return {
      partitions: this.owned,
      lagRecords: lags.reduce((sum, lag) => sum + lag, 0),
      ...this.#parked(),
    };
  }

  /** Whether a lane of this process folds this partition. */
  owns(partition: number): boolean {
    for (const { lane } of this.#running.values()) if (lane.partitions.includes(partition)) return true;
    return false;
  }

  /** Moves lanes on that get no records, so that they do not hold up the purge. @returns how many. */
  markIdle(): Promise<number> {
    const lanes = [...this.#running.values()].map(({ lane }) => lane);
    return this.#marks.look(lanes, performance.now());
  }

  /** Begins to try again what lanes have parked. */
  retryParked(): void {
    for (const { lane } of this.#running.values()) lane.retryParked();
  }

  #parked(): Pick<TransferStatus, 'parkedTenants' | 'parkedConversations' | 'parkedRecords'> {
    const counts = [...this.#running.values()].map(({ lane }) => lane.parked);
    const sum = (of: (c: ParkedCounts) => number) => counts.reduce((total, c) => total + of(c), 0);
    return {
      parkedTenants: sum((c) => c.tenants),
      parkedConversations: sum((c) => c.conversations),
      parkedRecords: sum((c) => c.records),
    };
  }

  get owned(): number {
    let count = 0;
    for (const { lane } of this.#running.values()) count += lane.partitions.length;
    return count;
  }

  /** Looks once at who owns what, and acts. @throws when the database is away. */
  async look(): Promise<void> {
    if (this.#stopping) return;
    const { repos, partitions, metrics } = this.#deps;
    try {
      if (!this.#prepared) await repos.cursors.ensurePartitions(partitions);
      this.#prepared = true;
      await this.#beat();
      const cursors = await repos.cursors.read();
      this.#dropLost(cursors);
      this.#endEarlierEpochs(cursors);
      const changed = await this.#balance(cursors);
      this.#reason = this.#waiting(changed ? await repos.cursors.read() : cursors);
    } catch (error) {
      this.#reason = `partitions: ${error instanceof Error ? error.message : String(error)}`;
      throw error;
    } finally {
      metrics.owned.set(this.owned);
      const parked = this.#parked();
      metrics.parkedTenants.set(parked.parkedTenants);
      metrics.parkedConversations.set(parked.parkedConversations);
      metrics.parkedRecords.set(parked.parkedRecords);
      const sizes = [...this.#running.values()].map(({ lane }) => lane.sizes);
      metrics.dedupKeys.set(sizes.reduce((sum, s) => sum + s.dedupKeys, 0));
      metrics.conversations.set(sizes.reduce((sum, s) => sum + s.conversations, 0));
    }
  }

  /** Ends every run, so that the next look takes the partitions up again and delivers the last seconds once more. */
  restart(): void {
    for (const { lane } of this.#running.values()) lane.stop();
  }

  /** Finishes what was read and gives all partitions back. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.restart();
    await Promise.all([...this.#running.values()].map(({ done }) => done));
  }

  async #beat(): Promise<void> {
    const { repos } = this.#deps;
    for (const { lane } of this.#running.values()) {
      const known = await repos.cursors.beat(lane.id, Date.now(), undefined);
      if (!known) lane.stop();
    }
  }

  /** What keeps partitions from being folded by somebody alive; empty when nothing does. */
  #waiting({ partitions }: Cursors): string {
    const idle = partitions.filter(({ lane }) => !this.#running.has(lane) && !this.#watch.seenAlive(lane));
    return idle.length === 0 ? '' : `${idle.length} partitions wait for the lease of their former owner`;
  }

  /** A lane that lost a partition ends: its memory of the others is taken up by the next one. */
  #dropLost(cursors: Cursors): void {
    const owner = new Map(cursors.partitions.map((p) => [p.partition, p]));
    for (const { lane } of this.#running.values()) {
      const lost = lane.partitions.filter((p) => {
        const now = owner.get(p);
        return now?.lane !== lane.id || now.fence !== lane.fenceOf(p);
      });
      if (lost.length === 0) continue;
      this.#deps.log.warn(
        { lane: lane.id, partitions: lost.length },
        'partitions were taken over by another process',
      );
      lane.stop();
    }
  }

  /** Lanes whose positions are of an earlier epoch would hold up the purge: the next ones count in the epoch of now. */
  #endEarlierEpochs({ epoch }: Cursors): void {
    for (const { lane } of this.#running.values()) if (lane.epoch < epoch) lane.stop();
  }

  /** @returns whether partitions were taken. */
  async #balance(cursors: Cursors): Promise<boolean> {
    const { partitions, producer, repos } = this.#deps;
    const dead = this.#watch.dead(cursors.lanes, performance.now());
    // Our own lanes are as alive as we are.
    for (const id of this.#running.keys()) dead.delete(id);
    const share = fairShare(partitions, producer()?.liveProducers().length ?? 1);
    if (this.owned > share) {
      this.#shed(this.owned - share);
      return false;
    }
    if (this.#running.size >= MAX_LANES) this.#merge();
    const free = freePartitions(cursors, dead);
    const wanted = free.slice(0, share - this.owned);
    const expired = this.#watch.expired(cursors, performance.now());
    if (expired.length > 0) await repos.cursors.removeLanes(expired);
    if (wanted.length === 0 || performance.now() < this.#retryAt) return false;
    await this.#open(wanted, cursors);
    return true;
  }

  /** Ends lanes until at most the share is left; what was ended is taken up again, up to the share. */
  #shed(surplus: number): void {
    let left = surplus;
    for (const { lane } of [...this.#running.values()].reverse()) {
      if (left <= 0) return;
      left -= lane.partitions.length;
      lane.stop();
    }
  }

  #merge(): void {
    const bySize = [...this.#running.values()].sort(
      (a, b) => a.lane.partitions.length - b.lane.partitions.length,
    );
    for (const { lane } of bySize.slice(0, 2)) lane.stop();
  }

  async #open(wanted: readonly PartitionCursor[], cursors: Cursors): Promise<void> {
    const { together, log } = this.#deps;
    await this.#releaseHeirlooms(wanted, cursors);
    const writers = { rows: together.open(), reads: together.open() };
    let lane: Lane | undefined;
    try {
      lane = await this.#claim(wanted, cursors, writers);
    } finally {
      if (!lane) await closeWriters(writers);
    }
    if (!lane) return;
    const { producer } = this.#deps;
    for (const partition of lane.partitions) {
      const fence = lane.fenceOf(partition) ?? 0;
      if (fence > 1) producer()?.announceTakeover(partition, fence);
    }
    log.info({ lane: lane.id, partitions: lane.partitions.length }, 'partitions taken');
    this.#running.set(lane.id, { lane, done: this.#supervise(lane, writers) });
  }

  /** @returns undefined when others were faster. */
  async #claim(
    wanted: readonly PartitionCursor[],
    cursors: Cursors,
    writers: LaneWriters,
  ): Promise<Lane | undefined> {
    const { repos, bus, instanceId, log } = this.#deps;
    const standing = wanted.map((p) => withLaneProgress(p, cursors.lanes));
    const info = await bus.log.info();
    const epoch = await epochOfLog(repos.cursors, bus.log, info, cursors, log, this.#changedIn);
    const setBack = await positionsSetBack(bus.log, info, epoch, standing);
    const id = `${instanceId}-${randomId(4)}`;
    // Told to feeds before anything is read: whoever synchronizes from then on gets what was stored before.
    const run = await repos.cursors.nextLaneNumber();
    this.#run = run;
    await repos.cursors.openLane(id, instanceId, Date.now(), sessionsOf(writers));
    const claimed = await repos.cursors.claim(
      id,
      standing.map((p, i) => ({
        ...p,
        lane: wanted[i]?.lane ?? '',
        applied: setBack.get(p.partition) ?? p.applied,
      })),
    );
    if (claimed.length === 0) {
      await repos.cursors.closeLane(id, { applied: 0, appliedTime: 0 });
      return undefined;
    }
    const partitions = claimed.map((p) => ({ ...p, setBack: setBack.has(p.partition) }));
    const isolate = performance.now() < this.#isolateUntil;
    const park = this.#suspects;
    this.#suspects = [];
    return new Lane(
      { id, run, epoch, createdMs: info.createdMs, partitions, writers, isolate, park },
      { ...this.#deps, log: log.child({ lane: id }) },
    );
  }

  /** Dead lanes may have died between the beginning and the end of a write: what they locked must be free. */
  async #releaseHeirlooms(wanted: readonly PartitionCursor[], { lanes }: Cursors): Promise<void> {
    const former = new Set(wanted.map(({ lane }) => lane));
    await this.#deps.together.release([...former].flatMap((lane) => lanes.get(lane)?.sessions ?? []));
  }

  async #supervise(lane: Lane, writers: LaneWriters): Promise<void> {
    const { repos, metrics, log, together } = this.#deps;
    const begun = performance.now();
    try {
      await lane.run();
      metrics.lanes.inc({ end: 'stopped' });
    } catch (error) {
      metrics.lanes.inc({ end: 'failed' });
      log.warn(
        { lane: lane.id, err: error },
        'a run over partitions failed; it starts again from the cursor',
      );
      if (error instanceof LogChangedError) this.#changedIn = lane.epoch;
      else if (error instanceof ContradictionError) this.#suspects.push(error.unit);
      else this.#isolateUntil = performance.now() + ISOLATE_WITHIN_MS;
      if (performance.now() - begun > 30_000) this.#backoff.reset();
      this.#retryAt = performance.now() + this.#backoff.next();
    }
    try {
      await closeWriters(writers);
      await together.release(sessionsOf(writers));
      await repos.cursors.closeLane(lane.id, lane.progress);
    } catch (error) {
      log.debug(
        { lane: lane.id, err: error },
        'partitions could not be given back; they are taken over in time',
      );
    }
    this.#running.delete(lane.id);
    this.#deps.onEnd();
  }
}

function sessionsOf({ rows, reads }: LaneWriters): Uint8Array[] {
  return [rows.sessionId, reads.sessionId];
}

async function closeWriters({ rows, reads }: LaneWriters): Promise<void> {
  await Promise.all([rows.close(), reads.close()]);
}
