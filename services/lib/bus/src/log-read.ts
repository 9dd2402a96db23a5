import { STREAM } from '@im/contract';
import { onAbort } from '@im/kit';
import type { Logger } from '@im/process';
import type { NatsLink } from './nats-link.ts';
import { readOrdered, type StreamMessage } from './ordered-reader.ts';
import { logFilters, parseLogSubject } from './subjects.ts';
import {
  type LogEntry,
  type LogInfo,
  type LogReadOptions,
  LogRecreatedError,
  type MessageLog,
} from './types.ts';

const DEFAULT_BATCH = 1_000;
/**
 * Most bytes of one batch: each step of transfer handles a batch as a whole, and the next one waits for it. With 512 KiB
 * the fixed cost of a write of rows dominated, and transfer fell behind a flood of large messages.
 */
const MAX_BATCH_BYTES = 1_572_864;
/** Most entries and bytes that wait for `onBatch`, besides what flow control has granted already. */
const MAX_WAITING = 4_000;
const MAX_WAITING_BYTES = 16_777_216;

/** See {@link MessageLog.read}. */
export async function readLog(
  link: NatsLink,
  options: LogReadOptions,
  log: Logger,
  source: Pick<MessageLog, 'info' | 'entryAt'>,
): Promise<void> {
  const { partitions, from, createdMs, onBatch, onNothing } = options;
  if (partitions.length === 0) throw new RangeError('no partition to read');
  const { maxBatch = DEFAULT_BATCH, gatherMs = 0 } = options;
  const ended = new AbortController();
  const signal = AbortSignal.any([options.signal, ended.signal]);
  const firstPosition = 'position' in from ? from.position : 1;
  let newest: LogEntry | undefined;
  let waiting: LogEntry[] = [];
  let waitingBytes = 0;
  let behind = 0;
  let wake = Promise.withResolvers<void>();

  const reading = readOrdered(link, {
    stream: STREAM.log,
    filters: logFilters(partitions),
    start: 'position' in from ? { sequence: from.position } : from,
    onMessage(message) {
      const entry = toEntry(message);
      if (!entry) {
        log.error({ subject: message.subject }, 'a message in the log has a subject of another shape');
        return;
      }
      newest = entry;
      waiting.push(entry);
      waitingBytes += entry.record.length;
      behind = message.pending;
      const full = waiting.length >= maxBatch || waitingBytes >= MAX_BATCH_BYTES;
      if (waiting.length === 1 || full) wake.resolve();
    },
    hasRoom: () => waiting.length < MAX_WAITING && waitingBytes < MAX_WAITING_BYTES,
    async onAttach(last) {
      const info = await source.info();
      const reached = Math.max(last, firstPosition - 1);
      if (info.createdMs !== createdMs || info.lastPosition < reached) {
        throw new LogRecreatedError(`the log ends at ${info.lastPosition}, ${reached} was read`);
      }
      const same = newest ? await holds(source, info, newest) : ((await options.isSame?.(info)) ?? true);
      if (!same) throw new LogRecreatedError('the log holds another record than the one that was read last');
    },
    isFinal: (error) => error instanceof LogRecreatedError,
    onNothing,
    signal,
    log,
  });

  /** Until something arrives, or, while a batch gathers, until its time has come or it is full. */
  async function wait(ms?: number): Promise<void> {
    wake = Promise.withResolvers();
    const timer = ms === undefined ? undefined : setTimeout(wake.resolve, Math.ceil(ms));
    await wake.promise;
    clearTimeout(timer);
  }

  async function deliver(): Promise<void> {
    let notBefore = 0;
    while (!signal.aborted) {
      if (waiting.length === 0) {
        await wait();
        continue;
      }
      const now = performance.now();
      if (waiting.length < maxBatch && waitingBytes < MAX_BATCH_BYTES && now < notBefore) {
        await wait(notBefore - now);
        continue;
      }
      notBefore = now + gatherMs;
      const count = batchLength(waiting, maxBatch);
      const batch = count === waiting.length ? waiting : waiting.slice(0, count);
      waiting = count === waiting.length ? [] : waiting.slice(count);
      for (const entry of batch) waitingBytes -= entry.record.length;
      reading.resume();
      await onBatch(batch, behind + waiting.length);
    }
  }

  using _ = onAbort(signal, () => wake.resolve());
  const outcomes = await Promise.allSettled([
    reading.done.finally(() => ended.abort()),
    deliver().finally(() => ended.abort()),
  ]);
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
}

/** Number of entries in the next batch: at most `maxBatch`, and fewer large ones. */
function batchLength(waiting: readonly LogEntry[], maxBatch: number): number {
  let bytes = 0;
  let count = 0;
  for (const { record } of waiting) {
    bytes += record.length;
    if (count === maxBatch || (bytes > MAX_BATCH_BYTES && count > 0)) break;
    count++;
  }
  return count;
}

/** Whether the log still holds an entry that was read, unless it was purged. */
async function holds(
  source: Pick<MessageLog, 'info' | 'entryAt'>,
  { firstPosition }: LogInfo,
  { position, timeMs, record }: LogEntry,
): Promise<boolean> {
  if (position < firstPosition) return true;
  const found = await source.entryAt(position);
  if (!found) return position < (await source.info()).firstPosition;
  return found.timeMs === timeMs && Buffer.compare(found.record, record) === 0;
}

function toEntry(message: StreamMessage): LogEntry | undefined {
  const place = parseLogSubject(message.subject);
  if (!place) return undefined;
  return { ...place, position: message.streamSequence, timeMs: message.timeMs, record: message.data };
}
