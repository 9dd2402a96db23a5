import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A relay in front of a port, to break connections without affecting the server behind it. */
export interface TcpProxy extends AsyncDisposable {
  readonly port: number;
  /** Resets every connection; new ones are accepted. @returns how many there were. */
  cut(): number;
  close(): Promise<void>;
}

/** @param target the port behind it; as a function, it is asked for at each connection. */
export async function startTcpProxy(target: number | (() => number)): Promise<TcpProxy> {
  const pairs = new Set<{ client: Socket; server: Socket }>();
  const relay = createServer((client) => {
    const server = connect(typeof target === 'number' ? target : target(), '127.0.0.1');
    const pair = { client, server };
    pairs.add(pair);
    const end = () => {
      pairs.delete(pair);
      client.destroy();
      server.destroy();
    };
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      socket.on('error', end);
      socket.on('close', end);
    }
    client.pipe(server);
    server.pipe(client);
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  relay.once('error', reject);
  relay.listen(0, '127.0.0.1', resolve);
  await promise;

  function cut(): number {
    const count = pairs.size;
    for (const { client, server } of [...pairs]) {
      client.resetAndDestroy();
      server.destroy();
    }
    return count;
  }
  async function close(): Promise<void> {
    const closed = Promise.withResolvers<void>();
    relay.close(() => closed.resolve());
    cut();
    await closed.promise;
  }
  return { port: (relay.address() as AddressInfo).port, cut, close, [Symbol.asyncDispose]: close };
}
