import { once } from 'node:events';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { createServer } from 'node:tls';
import type { KeyPair } from './certificate-authority.ts';

/** Certificates of a {@link TlsProxy}. */
export interface TlsIdentity {
  readonly pair: KeyPair;
  /** CA (PEM) of client certificates; without one, clients need none. */
  readonly clients?: string;
}

/** Terminates TLS in front of a server that speaks plain TCP. */
export interface TlsProxy extends AsyncDisposable {
  readonly port: number;
  /** Replaces the certificates and closes all connections. */
  use(identity: TlsIdentity): void;
}

/** Starts a proxy on 127.0.0.1 to another port there. */
export async function startTlsProxy(target: number, identity: TlsIdentity): Promise<TlsProxy> {
  const sockets = new Set<Socket>();
  const settings = ({ pair, clients }: TlsIdentity) => ({
    cert: pair.certificate,
    key: pair.key,
    ...(clients === undefined ? {} : { ca: clients }),
  });
  const server = createServer(
    { ...settings(identity), requestCert: identity.clients !== undefined, rejectUnauthorized: true },
    (client) => {
      const upstream = connect(target, '127.0.0.1');
      for (const [from, to] of [
        [client, upstream],
        [upstream, client],
      ] as const) {
        sockets.add(from);
        from.pipe(to);
        from.on('error', () => to.destroy());
        from.on('close', () => {
          sockets.delete(from);
          to.destroy();
        });
      }
    },
  ).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    use(next) {
      server.setSecureContext(settings(next));
      cut();
    },
    async [Symbol.asyncDispose]() {
      server.close();
      cut();
      await once(server, 'close');
    },
  };
}
