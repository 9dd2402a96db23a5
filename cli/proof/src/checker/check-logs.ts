import { once } from 'node:events';
import {
  createReadStream,
  createWriteStream,
  mkdtempSync,
  rmSync,
  statSync,
  type WriteStream,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type CheckOptions, checkConversation, DEFAULT_CHECK } from './check-conversation.ts';
import { type Devices, noteDevice } from './device-history.ts';
import { decodeFact, encodeFact, type Fact } from './facts.ts';
import { emptyVerdict, type Verdict } from './verdict.ts';

/** Bytes of logs that are held in memory at once; larger ones are first split by conversation. */
const BUCKET_BYTES = 32 * 1024 * 1024;

/** How {@link checkLogs} works; the rest is {@link CheckOptions}. */
export interface CheckLogsOptions extends Partial<CheckOptions> {
  /** For tests: bytes held in memory at once. */
  readonly bucketBytes?: number;
}

/**
 * Reads the logs of a run and decides. Memory stays bounded by the bucket size (about six times that
 * in heap) or the largest conversation, whichever is more. All facts of one device are in one file.
 * @throws Error for a line that is no fact.
 */
export async function checkLogs(files: readonly string[], options: CheckLogsOptions = {}): Promise<Verdict> {
  const { bucketBytes = BUCKET_BYTES, ...rest } = options;
  const check: CheckOptions = { ...DEFAULT_CHECK, ...rest };
  const verdict = emptyVerdict();
  const total = files.reduce((sum, file) => sum + statSync(file).size, 0);
  const buckets = Math.max(1, Math.ceil(total / bucketBytes));
  const devices: Devices = new Map();
  const gaps = new GapMeter();

  if (buckets === 1) {
    const facts: Fact[] = [];
    for (const file of files) {
      for await (const fact of readFacts(file)) {
        if (fact.kind === 'up' || fact.kind === 'down') noteDevice(devices, fact);
        else facts.push(fact);
        gaps.note(fact);
      }
    }
    checkBucket(facts, devices, check, verdict);
  } else {
    const dir = mkdtempSync(join(tmpdir(), 'im-check-'));
    try {
      const paths = await split(files, dir, buckets, devices, gaps);
      for (const path of paths) {
        const facts: Fact[] = [];
        for await (const fact of readFacts(path)) facts.push(fact);
        checkBucket(facts, devices, check, verdict);
      }
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  }
  verdict.longestGapMs = gaps.longestMs;
  return verdict;
}

/** Decides about facts that are already in memory. */
export function checkFacts(facts: readonly Fact[], options: Partial<CheckOptions> = {}): Verdict {
  const verdict = emptyVerdict();
  const devices: Devices = new Map();
  const gaps = new GapMeter();
  for (const fact of facts) {
    if (fact.kind === 'up' || fact.kind === 'down') noteDevice(devices, fact);
    gaps.note(fact);
  }
  checkBucket(facts, devices, { ...DEFAULT_CHECK, ...options }, verdict);
  verdict.longestGapMs = gaps.longestMs;
  return verdict;
}

function checkBucket(
  facts: readonly Fact[],
  devices: Devices,
  options: CheckOptions,
  verdict: Verdict,
): void {
  const byConversation = new Map<string, Fact[]>();
  for (const fact of facts) {
    if (fact.kind === 'up' || fact.kind === 'down') continue;
    const list = byConversation.get(fact.conversation);
    if (list) list.push(fact);
    else byConversation.set(fact.conversation, [fact]);
  }
  for (const [conversation, list] of byConversation) {
    checkConversation(conversation, list, devices, options, verdict);
  }
}

async function* readFacts(file: string): AsyncGenerator<Fact> {
  const lines = createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY });
  for await (const line of lines) if (line !== '') yield decodeFact(line);
}

async function split(
  files: readonly string[],
  dir: string,
  count: number,
  devices: Devices,
  gaps: GapMeter,
): Promise<string[]> {
  const paths = Array.from({ length: count }, (_, i) => join(dir, `${i}.log`));
  const streams: WriteStream[] = paths.map((path) => createWriteStream(path));
  for (const file of files) {
    for await (const fact of readFacts(file)) {
      gaps.note(fact);
      if (fact.kind === 'up' || fact.kind === 'down') {
        noteDevice(devices, fact);
        continue;
      }
      const stream = streams[hash(fact.conversation) % count];
      if (stream && !stream.write(encodeFact(fact))) await once(stream, 'drain');
    }
  }
  for (const stream of streams) {
    stream.end();
    await once(stream, 'close');
  }
  return paths;
}

/** FNV-1a. */
function hash(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return h >>> 0;
}

/** Longest silence of a device between two arrivals, without the time that it was down. */
class GapMeter {
  longestMs = 0;
  private readonly last = new Map<string, number>();

  note(fact: Fact): void {
    if (fact.kind === 'got') {
      const before = this.last.get(fact.device);
      if (before !== undefined) this.longestMs = Math.max(this.longestMs, fact.at - before);
      this.last.set(fact.device, fact.at);
    } else if (fact.kind === 'down') {
      this.last.delete(fact.device);
    }
  }
}
