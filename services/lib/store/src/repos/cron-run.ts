import type { TenantId } from '@im/contract';
import { KEY_SEPARATOR } from '@im/kit';
import { guarded, retryDuplicate } from '../errors.ts';
import { insertNew } from '../optimistic-writes.ts';
import type { Store } from '../store.ts';

/** A job that cron processes run. `_id` is its name. */
interface JobDocument {
  _id: string;
  schedule: string;
  description: string;
  announced: Date;
}

/** The runs of a job for a tenant. `_id` = job, tenant. */
interface RunDocument {
  _id: string;
  /** Rises with each run. */
  number: number;
  /** The process that runs it; empty when none does. */
  owner: string;
  /** Rises while a run is alive. */
  beat: number;
  /** Due time that was handled last, ms. */
  due?: number;
  started: number;
  done: number;
  last?: FinishedRun;
  lastOk?: number;
  failures?: number;
}

/** A run that an administrator asked for. `_id` as that of the runs. */
interface RequestDocument {
  _id: string;
  at: Date;
}

/** A job, as cron processes announce it. */
export interface AnnouncedJob {
  readonly name: string;
  readonly schedule: string;
  readonly description: string;
}

/** How a run ended: `cut` when its time was over, or the process stopped, so that the next run goes on. */
export type RunOutcome = 'ok' | 'cut' | 'error';

/** A run that ended. Times are ms, by the clock of the process that ran it. */
export interface FinishedRun {
  readonly number: number;
  readonly started: number;
  readonly ms: number;
  readonly outcome: RunOutcome;
  readonly done: number;
  /** Why it failed; empty otherwise. */
  readonly error: string;
  /** What it found, as JSON; empty for most jobs. */
  readonly report: string;
}

/** The right to run a job for a tenant, until the run ends or is taken for dead. */
export interface RunClaim {
  readonly job: string;
  readonly tenant: TenantId;
  readonly number: number;
  readonly owner: string;
  readonly started: number;
}

/** A run that is not over, as it was seen. */
export interface LiveRun {
  readonly owner: string;
  readonly beat: number;
}

/** What became of a claim: another run is not over, or the due time was handled. */
export type ClaimResult = RunClaim | 'running' | 'handled';

/** What to claim. */
export interface RunWish {
  readonly job: string;
  readonly tenant: TenantId;
  readonly owner: string;
  /** ms, by the clock of this process. */
  readonly now: number;
  /** Due time that the run is for; undefined when it was asked for. */
  readonly due?: number;
  /** A run that was seen to be dead: it is replaced. */
  readonly dead?: LiveRun;
}

/** A job, and its runs for one tenant. */
export interface JobState extends AnnouncedJob {
  /** When a cron process announced it last, ms. */
  readonly announced: number;
  /** Runs that began. */
  readonly number: number;
  readonly running?: { readonly started: number; readonly done: number; readonly owner: string };
  /** A run was asked for, and has not started. */
  readonly requested: boolean;
  readonly last?: FinishedRun;
  /** When the last run that succeeded ended, ms. */
  readonly lastOk?: number;
  /** Runs in a row that failed. */
  readonly failures: number;
}

/** A job and a tenant. */
export interface RunRequest {
  readonly job: string;
  readonly tenant: TenantId;
}

/**
 * Jobs and their runs. They are in the shared database: a tenant's own may be what makes a run fail. Every method of
 * a tenant reads or writes documents of that tenant alone.
 */
export interface CronRunRepo {
  /** Makes jobs known, and forgets those that were not announced for {@link FORGOTTEN_DAYS}. */
  announce(jobs: readonly AnnouncedJob[], now: Date): Promise<void>;
  claim(wish: RunWish): Promise<ClaimResult>;
  /** Tenants for which this due time was handled. */
  handled(job: string, due: number): Promise<Set<TenantId>>;
  /** Says that a run is alive. @returns false when it was taken for dead. */
  beat(claim: RunClaim, done: number): Promise<boolean>;
  /** Runs that are not over, of all processes, dead ones included. */
  unfinished(limit: number): Promise<(RunRequest & LiveRun)[]>;
  /** Ends a run. @returns false when it was taken for dead before. */
  finish(claim: RunClaim, run: Omit<FinishedRun, 'number' | 'started'>): Promise<boolean>;
  /** Asks for a run; asking again before it began changes nothing. */
  request(request: RunRequest, now: Date): Promise<void>;
  requests(limit: number): Promise<RunRequest[]>;
  removeRequest(request: RunRequest): Promise<void>;
  /** All jobs by name, with the runs of a tenant. */
  jobs(tenant: TenantId): Promise<JobState[]>;
}

/** Jobs that no process has announced for this long are those of a former version. */
export const FORGOTTEN_DAYS = 7;
const DAY_MS = 86_400_000;
const AFTER_SEPARATOR = '\u0020';
const CLAIM_ATTEMPTS = 5;

/** The jobs and runs of a store. */
export function cronRunRepo(store: Store): CronRunRepo {
  const jobs = () => store.shared<JobDocument>('cron_job');
  const runs = () => store.shared<RunDocument>('cron_run');
  const requests = () => store.shared<RequestDocument>('cron_request');
  const idOf = ({ job, tenant }: RunRequest) => `${job}${KEY_SEPARATOR}${tenant}`;
  const requestOf = (_id: string): RunRequest => {
    const [job = '', tenant = ''] = _id.split(KEY_SEPARATOR);
    return { job, tenant: tenant as TenantId };
  };
  const live = (claim: RunClaim) => ({ _id: idOf(claim), number: claim.number, owner: claim.owner });

  /** @returns undefined when the document changed meanwhile. */
  async function tryClaim(wish: RunWish): Promise<ClaimResult | undefined> {
    const { job, tenant, owner, now, due, dead } = wish;
    const _id = idOf(wish);
    const before = await runs().findOne({ _id });
    const fields = { owner, started: now, done: 0, ...(due !== undefined && { due }) };
    const claimed = (number: number): RunClaim => ({ job, tenant, number, owner, started: now });
    if (!before) {
      return (await insertNew(runs(), { _id, number: 1, beat: 0, ...fields })) ? claimed(1) : undefined;
    }
    const { number, beat } = before;
    if (due !== undefined && before.due === due && before.owner === '') return 'handled';
    const isDead = dead !== undefined && dead.owner === before.owner && dead.beat === beat;
    if (before.owner !== '' && !isDead) return 'running';
    const filter = { _id, number, owner: before.owner, beat };
    const { matchedCount } = await runs().updateOne(filter, { $set: fields, $inc: { number: 1, beat: 1 } });
    return matchedCount === 1 ? claimed(number + 1) : undefined;
  }

  return guarded<CronRunRepo>({
    async announce(list, now) {
      await Promise.all(
        list.map(({ name, schedule, description }) =>
          retryDuplicate(() =>
            jobs().updateOne(
              { _id: name },
              { $set: { schedule, description, announced: now } },
              { upsert: true },
            ),
          ),
        ),
      );
      await jobs().deleteMany({ announced: { $lt: new Date(now.getTime() - FORGOTTEN_DAYS * DAY_MS) } });
    },
    async claim(wish) {
      for (let attempt = 0; attempt < CLAIM_ATTEMPTS; attempt++) {
        const result = await tryClaim(wish);
        if (result) return result;
      }
      // Others claim it in quick succession: one of them has it.
      return 'running';
    },
    async handled(job, due) {
      const range = { $gt: job + KEY_SEPARATOR, $lt: job + AFTER_SEPARATOR };
      const found = await runs()
        .find({ _id: range, due }, { projection: { _id: 1 } })
        .toArray();
      return new Set(found.map(({ _id }) => requestOf(_id).tenant));
    },
    async beat(claim, done) {
      const { matchedCount } = await runs().updateOne(live(claim), { $set: { done }, $inc: { beat: 1 } });
      return matchedCount === 1;
    },
    async unfinished(limit) {
      const found = await runs()
        .find({ owner: { $ne: '' } }, { projection: { owner: 1, beat: 1 }, limit })
        .toArray();
      return found.map(({ _id, owner, beat }) => ({ ...requestOf(_id), owner, beat }));
    },
    async finish(claim, { ms, outcome, done, error, report }) {
      const { number, started } = claim;
      const last: FinishedRun = { number, started, ms, outcome, done, error, report };
      const failed = outcome === 'error';
      const { matchedCount } = await runs().updateOne(live(claim), {
        $set: {
          owner: '',
          last,
          done,
          ...(outcome === 'ok' && { lastOk: started + ms }),
          ...(!failed && { failures: 0 }),
        },
        ...(failed && { $inc: { failures: 1 } }),
      });
      return matchedCount === 1;
    },
    async request(request, now) {
      const _id = idOf(request);
      await retryDuplicate(() =>
        requests().updateOne({ _id }, { $setOnInsert: { at: now } }, { upsert: true }),
      );
    },
    async requests(limit) {
      const found = await requests().find({}, { limit }).toArray();
      return found.map(({ _id }) => requestOf(_id));
    },
    async removeRequest(request) {
      await requests().deleteOne({ _id: idOf(request) });
    },
    async jobs(tenant) {
      const announced = await jobs()
        .find({}, { sort: { _id: 1 } })
        .toArray();
      const ids = announced.map(({ _id }) => idOf({ job: _id, tenant }));
      const [ran, asked] = await Promise.all([
        runs()
          .find({ _id: { $in: ids } })
          .toArray(),
        requests()
          .find({ _id: { $in: ids } })
          .toArray(),
      ]);
      const runOf = new Map(ran.map((run) => [run._id, run]));
      const waiting = new Set(asked.map(({ _id }) => _id));
      return announced.map(({ _id: name, schedule, description, announced: at }) => {
        const id = idOf({ job: name, tenant });
        const run = runOf.get(id);
        return {
          ...{ name, schedule, description, announced: at.getTime() },
          number: run?.number ?? 0,
          ...(run &&
            run.owner !== '' && { running: { started: run.started, done: run.done, owner: run.owner } }),
          requested: waiting.has(id),
          last: run?.last,
          lastOk: run?.lastOk,
          failures: run?.failures ?? 0,
        };
      });
    },
  });
}
