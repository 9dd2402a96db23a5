import { createServer } from 'node:net';

/** Where a process of this machine can be asked about its heap. */
export interface HeapProbe {
  /** Flag that the process is started with. */
  readonly flag: string;
  /** Bytes of its heap, buffers outside of V8's heap included, that live on after garbage was collected. */
  liveBytes(): Promise<number>;
}

/** Collections before the heap is read: the first may leave what the second finds. */
const COLLECTIONS = 2;
const ANSWER_LIMIT_MS = 30_000;

/** A probe for one process, which has yet to be started. */
export async function heapProbe(): Promise<HeapProbe> {
  const port = await freePort();
  return {
    flag: `--inspect=127.0.0.1:${port}`,
    liveBytes: () => liveBytesAt(port),
  };
}

/** Flag for processes whose inspectors take any free port, which their logs name. */
export const ANY_INSPECTOR = '--inspect=127.0.0.1:0';

/** As {@link HeapProbe.liveBytes}, of a process that was started with {@link ANY_INSPECTOR}. @throws Error when its log names no port. */
export async function liveBytesOf(log: string): Promise<number> {
  const [, port] = /Debugger listening on ws:\/\/[^/]*:(\d+)\//.exec(log) ?? [];
  if (port === undefined) throw new Error('the process has no inspector');
  return await liveBytesAt(Number(port));
}

async function liveBytesAt(port: number): Promise<number> {
  const found = await fetch(`http://127.0.0.1:${port}/json/list`, {
    signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
  });
  const [target] = (await found.json()) as { webSocketDebuggerUrl: string }[];
  if (!target) throw new Error('the process has no inspector');
  using inspector = await openInspector(target.webSocketDebuggerUrl);
  for (let i = 0; i < COLLECTIONS; i++) await inspector.call('HeapProfiler.collectGarbage');
  const usage = await inspector.call('Runtime.getHeapUsage');
  const { usedSize, backingStorageSize = 0 } = usage as { usedSize: number; backingStorageSize?: number };
  return usedSize + backingStorageSize;
}

interface Inspector extends Disposable {
  call(method: string): Promise<unknown>;
}

/** Source: the Chrome DevTools protocol, which Node speaks. */
async function openInspector(url: string): Promise<Inspector> {
  const socket = new WebSocket(url);
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  let calls = 0;
  const opened = Promise.withResolvers<void>();
  socket.addEventListener('open', () => opened.resolve());
  socket.addEventListener('message', ({ data }) => {
    const { id, result, error } = JSON.parse(String(data)) as {
      id?: number;
      result?: unknown;
      error?: { message: string };
    };
    const call = waiting.get(id ?? 0);
    waiting.delete(id ?? 0);
    if (error) call?.reject(new Error(error.message));
    else call?.resolve(result);
  });
  socket.addEventListener('close', () => {
    const gone = new Error('the process is gone');
    opened.reject(gone);
    for (const call of waiting.values()) call.reject(gone);
  });
  await opened.promise;
  return {
    async call(method) {
      const id = ++calls;
      const answer = Promise.withResolvers<unknown>();
      waiting.set(id, answer);
      socket.send(JSON.stringify({ id, method }));
      return answer.promise;
    },
    [Symbol.dispose]: () => socket.close(),
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen({ host: '127.0.0.1', port: 0 }, () => resolve());
  await promise;
  const address = server.address();
  await new Promise<void>((done) => server.close(() => done()));
  if (address === null || typeof address !== 'object') throw new Error('no port is free');
  return address.port;
}
