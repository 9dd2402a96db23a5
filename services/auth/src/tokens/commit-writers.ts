import { randomId, sleep } from '@im/kit';
import { acceptLoss, type Logger, type TaskRunner } from '@im/process';
import type { GroupCommitWriter, Store, WriterSessionRepo } from '@im/store';

/** Writers of a process for commits of many writes, and what frees the locks of processes that died within one. */
export interface CommitWriters {
  /**
   * Runs `commit` with a writer that nothing else uses meanwhile.
   * @returns what it returns, or undefined without having run it: when no writer can be had at once, as waiting would be
   * for the database of others, or when the server cannot do it.
   */
  use(commit: (writer: GroupCommitWriter) => Promise<boolean>): Promise<boolean | undefined>;
  /** Waits for a write of documents that commits write too; when it takes long, looks for locks of dead processes. */
  watched<T>(write: Promise<T>): Promise<T>;
}

export interface CommitWritersDeps {
  readonly groupCommit: Pick<Store['groupCommit'], 'open' | 'allOrNone'>;
  readonly sessions: WriterSessionRepo;
  readonly tasks: TaskRunner;
  readonly log: Logger;
  /** A write that takes longer may wait for a lock, ms. @default 1,000 */
  readonly blockedMs?: number;
  /** A process that has not shown life for so long is dead, or does not commit, ms. @default 3,000 */
  readonly deadAfterMs?: number;
}

/** Commits at once. Of the few connections for them, some are left to other writers of the process. */
const MAX_WRITERS = 3;
/** While it commits, a process shows so often that it lives, ms. */
const BEAT_MS = 1_000;

/** Nothing is opened before the first use. */
export function commitWriters(deps: CommitWritersDeps): CommitWriters {
  const { groupCommit, sessions, tasks, log, blockedMs = 1_000, deadAfterMs = 3_000 } = deps;
  const process = randomId();
  const all: GroupCommitWriter[] = [];
  const free: GroupCommitWriter[] = [];
  let beat = 0;
  let beatAt = Number.NEGATIVE_INFINITY;
  let announcement: Promise<boolean> | undefined;
  let searching = false;

  async function renew(): Promise<void> {
    await sessions.renew({ process, beat: ++beat, sessionIds: all.map(({ sessionId }) => sessionId) });
  }

  async function announce(): Promise<boolean> {
    try {
      await renew();
      tasks.spawn('login-sessions', () => sessions.removeOld(), { onRefused: acceptLoss });
      return true;
    } catch (error) {
      log.warn({ err: error }, 'sessions could not be stored; logins are written one by one');
      announcement = undefined;
      return false;
    }
  }

  /** Peers must know the sessions before anything is locked. @returns whether they do. */
  function announced(): Promise<boolean> {
    const due = performance.now() - beatAt >= BEAT_MS;
    if (due) beatAt = performance.now();
    if (!announcement) {
      announcement = announce();
    } else if (due) {
      tasks.spawn('login-sessions', renew, { onRefused: acceptLoss });
    }
    return announcement;
  }

  async function freeLocks(signal: AbortSignal): Promise<void> {
    try {
      const before = new Map((await sessions.others(process)).map((other) => [other.process, other.beat]));
      await sleep(deadAfterMs, signal);
      const stale = (await sessions.others(process)).filter(
        (other) => before.get(other.process) === other.beat,
      );
      if (stale.length === 0) return;
      log.warn({ processes: stale.length }, 'undoing what dead processes may have left half written');
      await sessions.end(stale);
    } finally {
      searching = false;
    }
  }

  function blocked(): void {
    if (searching) return;
    searching = true;
    tasks.spawn('login-locks', freeLocks, {
      onRefused: () => {
        searching = false;
      },
    });
  }

  return {
    async use(commit) {
      if (!groupCommit.allOrNone) return undefined;
      if (all.length === 0) {
        for (let i = 0; i < MAX_WRITERS; i++) all.push(groupCommit.open());
        free.push(...all);
      }
      const writer = free.pop();
      if (!writer) return undefined;
      try {
        return (await announced()) ? await commit(writer) : undefined;
      } finally {
        free.push(writer);
      }
    },
    async watched(write) {
      const timer = setTimeout(blocked, blockedMs);
      try {
        return await write;
      } finally {
        clearTimeout(timer);
      }
    },
  };
}
