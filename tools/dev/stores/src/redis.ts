import { type Backend, externalAddress, externalBackend, type StartOptions } from './backend.ts';
import { installServer } from './install.ts';
import { type ServerKind, startServer } from './server-process.ts';
import { readUntil, withConnection } from './tcp-probe.ts';

export interface RedisOptions extends StartOptions {
  /** Append-only file with fsync every second. Default false: the product keeps only copies in Redis. */
  persist?: boolean;
  /** A node for a Redis Cluster, without slots; its second port is that of the cluster bus. @default false */
  clusterNode?: boolean;
}

/** Starts a Redis or Valkey server in `options.dir`, or takes the one at `options.uri` or `$REDIS_URL`. */
export async function startRedis(options: RedisOptions): Promise<Backend> {
  const external = externalAddress(options, 'REDIS_URL');
  if (external !== undefined) return externalBackend('redis', external.uri, external.source);
  const kind: ServerKind = {
    name: 'redis',
    server: await installServer('redis'),
    portCount: options.clusterNode ? 2 : 1,
    stopWithin: 10_000,
    uri: (port) => `redis://127.0.0.1:${port}`,
    prepare: async (dir, [port = 0, bus = 0]) => ({
      args: [
        ['--port', `${port}`],
        ['--bind', '127.0.0.1'],
        ['--dir', dir],
        ['--daemonize', 'no'],
        ['--save', ''],
        ['--appendonly', (options.persist ?? false) ? 'yes' : 'no'],
        options.clusterNode ? ['--cluster-enabled', 'yes', '--cluster-port', `${bus}`] : [],
      ].flat(),
    }),
    probe: ([port = 0], signal) => probeRedis(port, signal),
  };
  return startServer(kind, options);
}

/** PING answers PONG once the data is loaded (`-LOADING` before). */
async function probeRedis(port: number, signal: AbortSignal): Promise<void> {
  await withConnection('127.0.0.1', port, signal, async (socket) => {
    socket.write('PING\r\n');
    const answer = await readUntil(socket, (bytes) => /^(.*)\r\n/.exec(bytes.toString())?.[1]);
    if (answer !== '+PONG') throw new Error(`Redis answers ${answer}`);
  });
}
