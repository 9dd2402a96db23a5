import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { realpath } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** An exclusive claim on a name among all processes of this machine, given back by `release` or by the process's end. */
export interface HeldLock extends AsyncDisposable {
  release(): Promise<void>;
}

/** Another process has the lock; `holder` is its id, 0 when unknown. */
export class LockHeldError extends Error {
  override readonly name = 'LockHeldError';
  readonly holder: number;
  constructor(name: string, holder: number) {
    super(`${name} is in use by process ${holder === 0 ? '(unknown)' : holder}`);
    this.holder = holder;
  }
}

/**
 * Claims `name` without waiting; throws `LockHeldError` when another holder lives.
 *
 * The claim is an abstract Unix socket (Linux): the kernel frees it with the process, however that ends, so there is
 * no stale lock to detect, and no window between detecting one and taking it. The holder answers a connection with its pid.
 */
export async function tryLock(name: string): Promise<HeldLock> {
  const server = await listen(name);
  if (server === undefined) throw new LockHeldError(name, await holderOf(name));
  return held(server);
}

/** Claims `name`, waiting as long as another holder lives. `onWait` is called for each holder waited for. */
export async function holdLock(
  name: string,
  options: { onWait?: (holder: number) => void; signal?: AbortSignal } = {},
): Promise<HeldLock> {
  for (;;) {
    options.signal?.throwIfAborted();
    const server = await listen(name);
    if (server !== undefined) return held(server);
    await waitForHolder(name, options);
  }
}

/** Claims an existing directory; throws `LockHeldError` naming it when another process has claimed it. */
export async function lockDirectory(dir: string): Promise<HeldLock> {
  return tryLock(`directory ${await realpath(dir)}`);
}

function socketPath(name: string): string {
  return `\0openim-${createHash('sha256').update(name).digest('hex').slice(0, 32)}`;
}

interface PidServer {
  server: Server;
  sockets: Set<Socket>;
}

/** The listening server, or undefined when the name is taken. */
async function listen(name: string): Promise<PidServer | undefined> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
    socket.unref();
    socket.write(`${process.pid}\n`);
  });
  const outcome = new Promise<boolean>((resolve, reject) => {
    server.once('listening', () => resolve(true));
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(false) : reject(error),
    );
  });
  server.listen({ path: socketPath(name) });
  if (!(await outcome)) return undefined;
  server.unref();
  return { server, sockets };
}

function held({ server, sockets }: PidServer): HeldLock {
  let released: Promise<void> | undefined;
  const release = (): Promise<void> => {
    released ??= new Promise((resolve) => {
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
    });
    return released;
  };
  return { release, [Symbol.asyncDispose]: release };
}

async function holderOf(name: string): Promise<number> {
  const socket = connect({ path: socketPath(name) });
  socket.setTimeout(1000, () => socket.destroy(new Error('no answer')));
  try {
    const [first] = (await once(socket, 'data')) as [Buffer];
    return Number.parseInt(first.toString(), 10) || 0;
  } catch {
    return 0;
  } finally {
    socket.destroy();
  }
}

/** Returns when the connection to the holder ends, which the kernel closes if the holder does not. */
async function waitForHolder(
  name: string,
  { onWait, signal }: { onWait?: (holder: number) => void; signal?: AbortSignal },
): Promise<void> {
  const socket = connect({ path: socketPath(name) });
  const abort = (): void => void socket.destroy();
  signal?.addEventListener('abort', abort, { once: true });
  socket.once('data', (first) => onWait?.(Number.parseInt(first.toString(), 10) || 0));
  socket.on('error', () => socket.destroy());
  await new Promise<void>((resolve) => socket.once('close', () => resolve()));
  signal?.removeEventListener('abort', abort);
}
