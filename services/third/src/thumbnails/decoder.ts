import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { messageOf } from '@im/kit';
import type { DecoderJob, DecoderLimits, DecoderResult } from './decoder-messages.ts';

/** Name of the worker's file next to this one's bundle; set by `tools/bundle.ts`. */
declare const OPENIM_PICTURE_WORKER: string;

/** Options of {@link createDecoder}. */
export interface DecoderOptions extends DecoderLimits {
  /** CPU time that a picture may take, ms; it is given up after six times as long at the latest. */
  readonly decodeMs: number;
  /** Time without a picture after which its thread ends and gives its memory back, ms. @default 60,000 */
  readonly idleMs?: number;
}

/** Makes thumbnails in a thread, one at a time. The thread starts with the first picture. */
export interface Decoder {
  /**
   * Takes the bytes of the job away. A picture that is broken, too large or too slow is a refusal.
   * @throws Error when the thread cannot start, or after {@link stop}.
   */
  decode(job: DecoderJob): Promise<DecoderResult>;
  /** Ends the thread, and with it what is being decoded. */
  stop(): void;
}

const IDLE_MS = 60_000;
/** Longest time for a thread to start on a machine under load, ms. */
const START_MS = 30_000;
/** A thread that gets too little time is waited for this many times `decodeMs`. */
const LONGEST_WAIT = 6;
const LEAST_LOOK_MS = 100;
/** Time in which a thread says how much CPU it has used, ms. */
const CPU_ANSWER_MS = 1_000;
/** JavaScript heap of the thread, MiB: pictures are outside of it. */
const HEAP_MIB = 64;

function workerFile(): URL {
  const file = typeof OPENIM_PICTURE_WORKER === 'undefined' ? './worker.ts' : OPENIM_PICTURE_WORKER;
  return new URL(file, import.meta.url);
}

const TOO_SLOW = Symbol('too slow');

/**
 * The next message of a thread.
 * @param moreMs asked after `ms`, and again after what it answers; 0 ends the wait.
 * @throws Error when the thread ends before, or says nothing for so long.
 */
function nextMessage(
  worker: Worker,
  ms: number,
  moreMs: () => Promise<number> | number = () => 0,
): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  let timer: NodeJS.Timeout | undefined;
  let over = false;
  const startedAt = performance.now();
  const wait = (forMs: number) => {
    timer = setTimeout(async () => {
      const more = await moreMs();
      if (over) return;
      const waited = Math.round(performance.now() - startedAt);
      if (more > 0) wait(more);
      else reject(new Error(`nothing in ${waited} ms`, { cause: TOO_SLOW }));
    }, forMs);
  };
  wait(ms);
  const ended = (code: number) => reject(new Error(`the thread ended with ${code}`));
  worker.once('message', resolve).once('error', reject).once('exit', ended);
  return promise.finally(() => {
    over = true;
    clearTimeout(timer);
    worker.off('message', resolve).off('error', reject).off('exit', ended);
  });
}

/** CPU time that a thread has used, ms; undefined when it does not say so in time. */
async function cpuMs(worker: Worker): Promise<number | undefined> {
  const asked = worker.cpuUsage().catch(() => undefined);
  const usage = await Promise.race([asked, sleep(CPU_ANSWER_MS, undefined, { ref: false })]);
  return usage === undefined ? undefined : (usage.user + usage.system) / 1_000;
}

/** The result of a picture, of which the thread may use `decodeMs` of CPU: a busy machine makes no picture slow. */
async function resultOf(worker: Worker, decodeMs: number, cpuBefore: number | undefined): Promise<unknown> {
  const latest = performance.now() + decodeMs * LONGEST_WAIT;
  return nextMessage(worker, decodeMs, async () => {
    const used = await cpuMs(worker);
    if (used === undefined || cpuBefore === undefined || performance.now() > latest) return 0;
    // A thread that gets little time is not asked all the time.
    return used - cpuBefore >= decodeMs ? 0 : Math.max(LEAST_LOOK_MS, decodeMs - (used - cpuBefore));
  });
}

/** Decodes pictures in a worker with limited memory, which ends when it is idle or takes too long. */
export function createDecoder({ decodeMs, idleMs = IDLE_MS, memoryMiB, maxPixels }: DecoderOptions): Decoder {
  let worker: Worker | undefined;
  let idle: NodeJS.Timeout | undefined;
  let stopped = false;

  async function end(): Promise<void> {
    clearTimeout(idle);
    const ending = worker;
    worker = undefined;
    await ending?.terminate();
  }

  async function start(): Promise<Worker> {
    const limits: DecoderLimits = { memoryMiB, maxPixels };
    const made = new Worker(workerFile(), {
      name: 'pictures',
      workerData: limits,
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB },
      // Without the heap of the process, which NODE_OPTIONS sets.
      env: {},
      execArgv: [],
    });
    worker = made;
    // The thread keeps no process alive, and what it throws between two pictures ends it alone.
    made.unref();
    made.on('error', () => {});
    made.on('exit', () => {
      if (worker === made) worker = undefined;
    });
    await nextMessage(made, START_MS);
    return made;
  }

  return {
    async decode(job) {
      if (stopped) throw new Error('the process stops');
      clearTimeout(idle);
      let ready: Worker;
      try {
        ready = worker ?? (await start());
      } catch (error) {
        await end();
        throw new Error('the thread that decodes pictures did not start', { cause: error });
      }
      let result: DecoderResult;
      try {
        const cpuBefore = await cpuMs(ready);
        ready.postMessage(job, [job.bytes.buffer]);
        result = (await resultOf(ready, decodeMs, cpuBefore)) as DecoderResult;
      } catch (error) {
        if (stopped) throw error;
        const slow = error instanceof Error && error.cause === TOO_SLOW;
        const memory = error instanceof Error && 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY';
        const refusal = slow ? 'too-slow' : memory ? 'too-much-memory' : 'broken';
        result = { refusal, detail: messageOf(error) };
      }
      // What a hostile picture has left in its memory does not meet the next one.
      if ('refusal' in result) await end();
      else idle = setTimeout(() => void end(), idleMs).unref();
      return result;
    },
    stop() {
      stopped = true;
      void end();
    },
  };
}
