import { randomInt } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { type HeldLock, tryLock } from './hold-lock.ts';

/** TCP ports of 127.0.0.1 kept from every other caller of `reservePorts` on this machine until released. */
export interface ReservedPorts extends AsyncDisposable {
  readonly ports: readonly number[];
  release(): Promise<void>;
}

const FIRST_PORT = 15_000;
/** Node ports of a Kubernetes on this machine begin here: its packet filter takes them without a listener that could be seen. */
const NODE_PORTS_FIRST = 30_000;

/**
 * Reserves `count` free ports; the first of them are those in `fixed`, and it throws when one of these is taken.
 *
 * Free ports come from below the kernel's ephemeral range: a port inside it can become the source port of an
 * outgoing connection while its server is down, and a client that redials such a port may even connect to itself. They
 * also stay below Kubernetes' node ports.
 */
export async function reservePorts(count: number, fixed: readonly number[] = []): Promise<ReservedPorts> {
  const locks: HeldLock[] = [];
  const ports: number[] = [];
  const release = async (): Promise<void> => {
    await Promise.all(locks.map((lock) => lock.release()));
  };
  try {
    for (const port of fixed) {
      if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new Error(`${port} is not a TCP port`);
      locks.push(await tryLock(portLock(port)));
      if (!(await isFree(port))) throw new Error(`port ${port} of 127.0.0.1 is in use by another program`);
      ports.push(port);
    }
    const end = await rangeEnd();
    for (let attempt = 0; ports.length < count; attempt++) {
      if (attempt > 1000) throw new Error(`no ${count} free ports between ${FIRST_PORT} and ${end}`);
      const port = randomInt(FIRST_PORT, end);
      if (ports.includes(port)) continue;
      const lock = await tryLock(portLock(port)).catch(() => undefined);
      if (lock === undefined) continue;
      if (await isFree(port)) {
        locks.push(lock);
        ports.push(port);
      } else {
        await lock.release();
      }
    }
  } catch (error) {
    await release();
    throw error;
  }
  return { ports, release, [Symbol.asyncDispose]: release };
}

function portLock(port: number): string {
  return `port ${port}`;
}

async function rangeEnd(): Promise<number> {
  try {
    const [first] = (await readFile('/proc/sys/net/ipv4/ip_local_port_range', 'utf8')).split(/\s+/);
    const port = Number(first);
    return port > FIRST_PORT + 1000 ? Math.min(port, NODE_PORTS_FIRST) : NODE_PORTS_FIRST;
  } catch {
    return NODE_PORTS_FIRST;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
