import { type ProberStatus, type TenantId, tenantURL } from '@im/contract';
import { Backoff, messageOf, randomId, type TenantDirectory } from '@im/kit';
import type { Logger } from '@im/process';
import type { Fact, Verdict } from '@im/proof';
import { type Checkpoint, type CheckpointStore, type OpenRound, StaleCheckpointError } from './checkpoint.ts';
import { Devices } from './devices.ts';
import { judgeInterrupted, judgeRound, type RoundVerdict, type Seen } from './judge.ts';
import type { ProberMetrics } from './metrics.ts';
import { playRound, pull, RoundLog } from './round.ts';
import { gapsOf, percentile } from './samples.ts';
import { streamsOf, usersOf } from './streams.ts';
import { noTotals, withFindings, withGaps, withRound } from './totals.ts';

/** What {@link Prober} needs. */
export interface ProberDeps {
  readonly tenant: TenantId;
  readonly tenants: TenantDirectory;
  readonly apiURL: string;
  readonly gatewayURL: string;
  readonly messagesPerSecond: number;
  readonly roundMs: number;
  readonly checkpoints: CheckpointStore;
  readonly log: Logger;
  readonly metrics: ProberMetrics;
}

/** An open round older than this is not judged: its messages may have expired, ms. */
const EXPIRED_MS = 12 * 3_600_000;

/**
 * Lets its users chat, round after round, and judges each round with the checker. What is judged, and what is known
 * of the present round, is kept in the database: after a crash the round is judged from there and from what is stored.
 */
export class Prober {
  readonly #deps: ProberDeps;
  readonly #log = new RoundLog();
  readonly #devices: Devices;
  #checkpoint: Checkpoint | undefined;
  #signal: AbortSignal | undefined;
  #seen: Seen = new Set();
  #acknowledgeP99Ms = 0;
  #waiting: string | undefined = 'its first round';

  constructor(deps: ProberDeps) {
    this.#deps = deps;
    const endpoint = {
      api: tenantURL(deps.apiURL, deps.tenant),
      ws: tenantURL(deps.gatewayURL, deps.tenant),
    };
    this.#devices = new Devices(endpoint, this.#log);
  }

  /** What is judged so far. */
  status(): ProberStatus {
    const { totals = noTotals(0), gaps = [], findings = [] } = this.#checkpoint ?? {};
    return {
      ...totals,
      ...(this.#waiting === undefined ? {} : { waiting: this.#waiting }),
      gaps,
      acknowledgeP99Ms: this.#acknowledgeP99Ms,
      findings,
    };
  }

  /** Probes until `signal` aborts. @throws what keeps it from going on; it may be called again. */
  async run(signal: AbortSignal): Promise<void> {
    const backoff = new Backoff({ baseMs: 500, maxMs: 10_000 });
    this.#signal = signal;
    try {
      let isLoaded = false;
      while (!signal.aborted) {
        try {
          if (!isLoaded) await this.#load();
          isLoaded = true;
          await this.#step(signal);
          backoff.reset();
        } catch (error) {
          signal.throwIfAborted();
          if (error instanceof StaleCheckpointError) throw error;
          this.#waiting = messageOf(error);
          this.#deps.log.warn({ err: error }, 'the prober cannot go on for now');
          // Tokens may be over, and sends of an ended round must not go on.
          this.#devices.close();
          await backoff.wait(signal);
        }
      }
    } finally {
      this.#devices.close();
    }
  }

  /** Goes on from what is stored. Its metrics have series from then on, and not from the first judged round only. */
  async #load(): Promise<void> {
    this.#checkpoint = await this.#deps.checkpoints.load();
    this.#deps.metrics.totals(this.#checkpoint?.totals ?? noTotals(Date.now()));
  }

  /** Prepares, judges what was interrupted, and plays one round. */
  async #step(signal: AbortSignal): Promise<void> {
    const { tenant, tenants } = this.#deps;
    const settings = tenants.get(tenant);
    if (!settings) throw new Error(`tenant ${tenant} is not known yet`);
    let checkpoint = this.#checkpoint ?? (await this.#save(newCheckpoint()));
    const users = usersOf(checkpoint.epoch);
    await this.#devices.register(settings, users);
    checkpoint =
      checkpoint.groupID === undefined
        ? await this.#save({ ...checkpoint, groupID: await this.#devices.createGroup(users) })
        : checkpoint;
    if (checkpoint.open && !(await this.#recover(checkpoint, checkpoint.open, signal))) return;
    for (;;) {
      this.#devices.rotate(users);
      await this.#devices.connect(users);
      await this.#round(users, signal);
    }
  }

  async #round(users: readonly string[], signal: AbortSignal): Promise<void> {
    const before = this.#stored();
    const open: OpenRound = {
      number: nextRound(before),
      startedAt: Date.now(),
      acknowledged: {},
    };
    // The end of the round before and the beginning of this one are one write.
    await this.#save({ ...before, open });
    const { messagesPerSecond, roundMs } = this.#deps;
    const until = await playRound(
      {
        epoch: before.epoch,
        number: open.number,
        users,
        streams: streamsOf(users, before.groupID ?? ''),
        devices: this.#devices,
        log: this.#log,
        messagesPerSecond,
        roundMs,
        judged: new Map(Object.entries(before.judged)),
        save: async (acknowledged) => {
          await this.#save({ ...before, open: { ...open, acknowledged } });
        },
        onWaiting: (why) => {
          this.#waiting = why;
        },
      },
      signal,
    );
    const facts = [...this.#log.facts, ...this.#log.pulled];
    const judged = judgeRound(facts, { epoch: before.epoch, number: open.number }, this.#seen);
    this.#seen = judged.seen;
    this.#measure(facts);
    await this.#close(before, open, judged, facts, until);
    this.#waiting = undefined;
  }

  /** Judges the round of a prober that was killed. @returns false when it begins again with new users instead. */
  async #recover(checkpoint: Checkpoint, open: OpenRound, signal: AbortSignal): Promise<boolean> {
    const users = usersOf(checkpoint.epoch);
    if (Date.now() - open.startedAt > EXPIRED_MS) {
      this.#deps.log.warn({ round: open.number }, 'an interrupted round is too old to be judged');
      const { totals, findings, gaps } = checkpoint;
      await this.#save({ ...newCheckpoint(), totals, findings, gaps });
      return false;
    }
    this.#waiting = 'the judgement of an interrupted round';
    const streams = streamsOf(users, checkpoint.groupID ?? '');
    await this.#devices.connect(users);
    this.#log.begin([]);
    const judgedSeqs = new Map(Object.entries(checkpoint.judged));
    await pull({ log: this.#log, devices: this.#devices, streams, users, judged: judgedSeqs }, signal);
    const { pulled } = this.#log;
    const judged = judgeInterrupted({ open, epoch: checkpoint.epoch, users, streams, pulled });
    this.#seen = judged.seen;
    await this.#close(checkpoint, open, judged, pulled, open.startedAt);
    return true;
  }

  async #close(
    before: Checkpoint,
    open: OpenRound,
    { verdict, highest }: RoundVerdict,
    facts: readonly Fact[],
    until: number,
  ): Promise<void> {
    const gaps = gapsOf(facts);
    this.#deps.metrics.gap(Math.max(0, ...gaps.map(({ ms }) => ms)) / 1_000);
    this.#report(open, verdict);
    const totals = withRound(before.totals, verdict, until);
    await this.#save({
      ...before,
      judged: { ...before.judged, ...Object.fromEntries(highest) },
      totals,
      gaps: withGaps(before.gaps, gaps),
      findings: withFindings(before.findings, verdict, Date.now()),
      lastRound: open.number,
      open: undefined,
    });
    this.#deps.metrics.totals(totals);
  }

  #report({ number }: OpenRound, { counts, examples, sent, acknowledged }: Verdict): void {
    const { log } = this.#deps;
    if (examples.length === 0) log.debug({ round: number, sent, acknowledged }, 'a round is judged');
    else log.error({ round: number, ...counts, examples }, 'the service broke its promise');
  }

  #measure(facts: readonly Fact[]): void {
    const sentAt = new Map<string, number>();
    const times: number[] = [];
    for (const fact of facts) {
      if (fact.kind === 'sent') sentAt.set(fact.id, fact.at);
      const sent = fact.kind === 'acked' ? sentAt.get(fact.id) : undefined;
      if (fact.kind !== 'acked' || sent === undefined) continue;
      times.push(fact.at - sent);
      this.#deps.metrics.acknowledged((fact.at - sent) / 1_000);
    }
    this.#acknowledgeP99Ms = Math.round(percentile(times, 0.99));
  }

  #stored(): Checkpoint {
    if (!this.#checkpoint) throw new Error('there is no checkpoint yet');
    return this.#checkpoint;
  }

  /** Saves, as often as it takes: what was judged must not be judged again with less knowledge. */
  async #save(checkpoint: Checkpoint): Promise<Checkpoint> {
    const backoff = new Backoff({ baseMs: 100, maxMs: 5_000 });
    for (;;) {
      try {
        await this.#deps.checkpoints.save(checkpoint);
        this.#checkpoint = checkpoint;
        return checkpoint;
      } catch (error) {
        if (error instanceof StaleCheckpointError) throw error;
        this.#deps.log.warn({ err: error }, 'the checkpoint cannot be saved for now');
        await backoff.wait(this.#signal);
      }
    }
  }
}

function nextRound({ lastRound = 0, open }: Checkpoint): number {
  return Math.max(lastRound, open?.number ?? 0) + 1;
}

function newCheckpoint(): Checkpoint {
  return {
    epoch: randomId(4),
    judged: {},
    totals: noTotals(Date.now()),
    gaps: [],
    findings: [],
  };
}
