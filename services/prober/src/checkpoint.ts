import type { ProberFinding, ProberGap, ProberTotals, TenantId } from '@im/contract';
import { randomId } from '@im/kit';
import { isDuplicateKey, type Store } from '@im/store';

/** A round whose messages are not judged yet, as it was last saved. */
export interface OpenRound {
  readonly number: number;
  /** When it began, ms since the epoch. */
  readonly startedAt: number;
  /** Messages known to be acknowledged, by stream: all up to this number. */
  readonly acknowledged: Readonly<Record<string, number>>;
}

/** What the prober must not forget, whatever becomes of its process. */
export interface Checkpoint {
  /** Begins the IDs of its messages: those of another checkpoint are not its own. */
  readonly epoch: string;
  /** The group of its users; undefined before it is created. */
  readonly groupID?: string | undefined;
  /** Highest judged seq, by conversation. */
  readonly judged: Readonly<Record<string, number>>;
  readonly totals: ProberTotals;
  readonly gaps: readonly ProberGap[];
  readonly findings: readonly ProberFinding[];
  /** Number of the last judged round. */
  readonly lastRound?: number | undefined;
  readonly open?: OpenRound | undefined;
}

interface CheckpointDocument {
  readonly _id: string;
  readonly version: number;
  /** The process that wrote it. */
  readonly writer: string;
  readonly checkpoint: Checkpoint;
}

/** Another prober has written the checkpoint since: this one must begin again from what is stored. */
export class StaleCheckpointError extends Error {
  override readonly name = 'StaleCheckpointError';
}

/** Where a checkpoint is kept. */
export interface CheckpointStore {
  /** The stored one; undefined before the first. */
  load(): Promise<Checkpoint | undefined>;
  /** Replaces what was loaded or saved last. @throws StaleCheckpointError when that is not the stored one any more. */
  save(checkpoint: Checkpoint): Promise<void>;
}

const COLLECTION = 'prober';

/** The checkpoint of a tenant in the database of the cluster, written by a quorum before {@link CheckpointStore.save} returns. */
export function checkpointStore(store: Store, tenant: TenantId): CheckpointStore {
  const documents = () => store.shared<CheckpointDocument>(COLLECTION);
  const writer = randomId();
  let version = 0;
  return {
    async load() {
      const found = await documents().findOne({ _id: tenant });
      version = found?.version ?? 0;
      return found?.checkpoint;
    },
    async save(checkpoint) {
      const next = version + 1;
      const written = await documents()
        .updateOne(
          { _id: tenant, version },
          { $set: { version: next, writer, checkpoint } },
          { upsert: version === 0 },
        )
        .catch((error: unknown) => {
          // The insert of two probers that start at once.
          if (isDuplicateKey(error)) return undefined;
          throw error;
        });
      if (!written || written.matchedCount + written.upsertedCount === 0) {
        // The answer to an earlier attempt may have been lost.
        const found = await documents().findOne({ _id: tenant });
        if (found?.version !== next || found.writer !== writer) {
          throw new StaleCheckpointError('another prober has written the checkpoint');
        }
      }
      version += 1;
    },
  };
}
