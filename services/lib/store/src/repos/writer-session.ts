import { Binary } from 'mongodb';
import { guarded } from '../errors.ts';
import type { Store } from '../store.ts';

/** The database sessions that one process commits with. `_id` names the process. */
interface SessionsDocument {
  _id: string;
  sessions: Binary[];
  /** Rises while it commits. */
  beat: number;
  /** When it last rose. */
  at: Date;
}

/** The sessions of a process, and how often it renewed them. */
export interface WriterSessions {
  readonly process: string;
  readonly sessionIds: readonly Uint8Array[];
  readonly beat: number;
}

/**
 * Sessions of processes that write with group commits and own nothing that a successor would take over. What a process
 * locked when it died stays locked for a minute, unless a peer ends its sessions. To end those of a process that lives
 * does little harm: a commit under way is lost, and done again step by step.
 */
export interface WriterSessionRepo {
  /** Stores the sessions of a process. */
  renew(sessions: WriterSessions): Promise<void>;
  /** Those of all other processes. */
  others(process: string): Promise<WriterSessions[]>;
  /** Ends the sessions of these processes and forgets them. */
  end(stale: readonly WriterSessions[]): Promise<void>;
  /** Forgets processes that have renewed nothing for a day. */
  removeOld(): Promise<void>;
}

const OLD_MS = 86_400_000;
const MAX_PROCESSES = 1_000;

/** The sessions, in the shared database. */
export function writerSessionRepo(store: Store): WriterSessionRepo {
  const col = () => store.shared<SessionsDocument>('writer_session');

  return guarded<WriterSessionRepo>({
    async renew({ process, sessionIds, beat }) {
      const sessions = sessionIds.map((id) => new Binary(id));
      await col().updateOne({ _id: process }, { $set: { sessions, beat, at: new Date() } }, { upsert: true });
    },
    async others(process) {
      const docs = await col().find({}, { limit: MAX_PROCESSES }).toArray();
      return docs
        .filter(({ _id }) => _id !== process)
        .map(({ _id, sessions, beat }) => ({
          process: _id,
          beat,
          sessionIds: sessions.map(({ buffer, position }) => buffer.subarray(0, position)),
        }));
    },
    async end(stale) {
      await store.groupCommit.release(stale.flatMap(({ sessionIds }) => sessionIds));
      await col().deleteMany({ _id: { $in: stale.map(({ process }) => process) } });
    },
    async removeOld() {
      await col().deleteMany({ at: { $lt: new Date(Date.now() - OLD_MS) } });
    },
  });
}
