import { join } from 'node:path';
import type { Backend } from './backend.ts';
import { startNats } from './nats.ts';
import { reservePorts } from './ports.ts';

/** NATS servers that form a cluster on loopback. */
export interface NatsCluster extends AsyncDisposable {
  readonly servers: readonly Backend[];
  readonly uris: readonly string[];
}

/** Starts three NATS servers with JetStream in folders below `dir`; stops them at the end. */
export async function startNatsCluster(dir: string): Promise<NatsCluster> {
  const reserved = await reservePorts(3);
  const { ports } = reserved;
  const routes = ports.map((port) => `nats-route://127.0.0.1:${port}`).join(', ');
  const servers = await Promise.all(
    ports.map((port, i) =>
      startNats({
        dir: join(dir, `server-${i}`),
        extraConfig: `cluster {\n  name: test\n  listen: 127.0.0.1:${port}\n  routes: [${routes}]\n}\n`,
      }),
    ),
  );
  return {
    servers,
    uris: servers.map(({ uri }) => uri),
    async [Symbol.asyncDispose]() {
      await Promise.all(servers.map((server) => server.stop()));
      await reserved.release();
    },
  };
}
