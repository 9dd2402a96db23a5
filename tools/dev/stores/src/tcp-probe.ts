import { once } from 'node:events';
import { Socket } from 'node:net';

/** Connects to a TCP server, runs `talk` on the connection, and closes it. `signal` aborts everything. */
export async function withConnection<T>(
  host: string,
  port: number,
  signal: AbortSignal,
  talk: (socket: Socket) => Promise<T>,
): Promise<T> {
  const socket = new Socket({ signal });
  try {
    const connected = once(socket, 'connect');
    socket.connect({ host, port });
    await connected;
    return await talk(socket);
  } finally {
    socket.on('error', ignoreLateError);
    socket.destroy();
  }
}

/** Reads until `parse` returns a result for all bytes so far. Throws when the server closes first. */
export async function readUntil<T>(socket: Socket, parse: (bytes: Buffer) => T | undefined): Promise<T> {
  let bytes: Buffer = Buffer.alloc(0);
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    bytes = Buffer.concat([bytes, chunk as Buffer]);
    const result = parse(bytes);
    if (result !== undefined) return result;
  }
  throw new Error(
    `the server closed the connection after ${JSON.stringify(bytes.toString('latin1').slice(0, 200))}`,
  );
}

/** The answer has been taken or the failure thrown already. */
function ignoreLateError(): void {}
