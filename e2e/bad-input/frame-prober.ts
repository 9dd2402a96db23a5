import { setTimeout as sleep } from 'node:timers/promises';
import { connectUrl, type FrameCodec, gobFrames, gzipped, jsonFrames, type WireOptions } from '@im/client';
import { REQ } from '@im/protocol';
import { WebSocket } from 'ws';
import type { BadFrame, Expected } from './bad-frames.ts';

/** What followed a frame. */
export type Outcome = { closed: true } | { code: number } | { silent: true };

/** A silence this long counts as no answer at all. */
const SILENT_MS = 10_000;

const PUSHES = new Set<number>([REQ.PushMsg, REQ.KickOnline]);

/** Sends bad frames on a separate connection, and opens a new one when the gateway ended it. */
export interface Prober {
  probe(bad: BadFrame): Promise<Outcome>;
  readonly connects: number;
  close(): void;
}

export function prober(options: WireOptions): Prober {
  const plain: FrameCodec = options.encoding === 'gob' ? gobFrames : jsonFrames;
  const codec = options.gzip ? gzipped(plain) : plain;
  let socket: WebSocket | undefined;
  let connects = 0;
  let settle: (outcome: Outcome) => void = () => {};

  async function connect(): Promise<WebSocket> {
    const fresh = new WebSocket(connectUrl(options), { perMessageDeflate: false });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    fresh.on('error', reject);
    fresh.on('close', () => {
      if (socket === fresh) socket = undefined;
      reject(new Error('closed'));
      settle({ closed: true });
    });
    fresh.on('message', (data, binary) => {
      if (!binary) {
        const text = (data as Buffer).toString('utf8');
        if (text.startsWith('{"errCode":0')) resolve();
        else reject(new Error(`refused: ${text}`));
        return;
      }
      const { errCode, reqIdentifier } = codec.decode(data as Buffer);
      // The id of a broken request may be lost, so its response is found by exclusion.
      if (!PUSHES.has(reqIdentifier) || errCode !== 0) settle({ code: errCode });
    });
    await promise;
    connects += 1;
    return fresh;
  }

  return {
    get connects() {
      return connects;
    },
    async probe({ frame }) {
      socket ??= await connect();
      const outcome = Promise.withResolvers<Outcome>();
      settle = outcome.resolve;
      socket.send(frame, { binary: typeof frame !== 'string' });
      const over = new AbortController();
      const silence = sleep(SILENT_MS, { silent: true } as const, { signal: over.signal });
      silence.catch(() => {});
      try {
        return await Promise.race([outcome.promise, silence]);
      } finally {
        over.abort();
        settle = () => {};
      }
    },
    close() {
      socket?.terminate();
      socket = undefined;
    },
  };
}

/** Whether an outcome is the expected one. */
export function meets(outcome: Outcome, expected: Expected): boolean {
  if ('silent' in outcome) return false;
  if (expected === 'any') return true;
  if (expected === 'close') return 'closed' in outcome;
  return 'code' in outcome && expected.includes(outcome.code);
}
