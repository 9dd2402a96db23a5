import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { refuseRequest } from './connect-reply.ts';
import type { Handshakes } from './handshake.ts';

/** Connections that the kernel keeps until they are accepted; a storm of reconnects comes at once. */
const BACKLOG = 4_096;

/** The HTTP server that hands upgrade requests to the handshake, and refuses all others. */
export class Listener {
  readonly #server: Server;

  constructor(handshakes: Pick<Handshakes, 'take'>) {
    this.#server = createServer({ headersTimeout: 10_000, requestTimeout: 10_000, keepAliveTimeout: 5_000 });
    this.#server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      void handshakes.take(request, socket, head);
    });
    this.#server.on('request', (request: IncomingMessage) => refuseRequest(request.socket));
  }

  /**
   * Listens on a port; 0 takes a free one.
   * @returns the port that it listens on.
   * @throws Error that names the address, with the system's error as cause.
   */
  async listen(host: string, port: number): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#server.once('error', reject);
    this.#server.listen({ host, port, backlog: BACKLOG }, () => resolve());
    try {
      await promise;
    } catch (cause) {
      throw new Error(`cannot listen on ${host}:${port}`, { cause });
    } finally {
      this.#server.off('error', reject);
    }
    const address = this.#server.address();
    return address !== null && typeof address === 'object' ? address.port : port;
  }

  /** Takes no more connections, and ends those that were never upgraded. */
  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
