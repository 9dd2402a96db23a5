import { setTimeout as sleep } from 'node:timers/promises';
import { ERR, ImError } from '@im/protocol';
import type { Collection, Document, OptionalUnlessRequiredId } from 'mongodb';
import { isDuplicateKey } from './errors.ts';

const MAX_ATTEMPTS = 50;
const ATTEMPT_JITTER_MS = 10;

/** Inserts a document. @returns false when there is one of its id, or of another unique key, already. */
export async function insertNew<T extends Document>(
  col: Collection<T>,
  doc: NoInfer<OptionalUnlessRequiredId<T>>,
): Promise<boolean> {
  try {
    await col.insertOne(doc);
    return true;
  } catch (error) {
    if (isDuplicateKey(error)) return false;
    throw error;
  }
}

/**
 * Reads and writes until what was read is still so at the write.
 * @param attempt reads, and writes on condition. @returns undefined when another writer came between.
 * @param refusal what to say when others always come between.
 * @throws ImError 90004 after fifty attempts.
 */
export async function untilWritten<T>(attempt: () => Promise<T | undefined>, refusal: string): Promise<T> {
  for (let number = 0; number < MAX_ATTEMPTS; number++) {
    const written = await attempt();
    if (written !== undefined) return written;
    await sleep(Math.random() * ATTEMPT_JITTER_MS);
  }
  throw new ImError(ERR.NetworkError, refusal);
}
