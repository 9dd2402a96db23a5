import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';
import { commandDatabase, MessageReader, refusalOf } from './mongo-messages.ts';

/** What the relay does with the commands for a database. */
export interface ProxyOrder {
  readonly database: string;
  readonly refused: boolean;
}

const { target } = workerData as { target: number };
const refused = new Set<string>();

parentPort?.on('message', (order: ProxyOrder) => {
  if (order.refused) refused.add(order.database);
  else refused.delete(order.database);
});

const relay = createServer((client: Socket) => {
  const server = connect(target, '127.0.0.1');
  const end = () => {
    client.destroy();
    server.destroy();
  };
  for (const socket of [client, server]) {
    socket.setNoDelay(true);
    socket.on('error', end);
    socket.on('close', end);
  }
  const reader = new MessageReader();
  client.on('data', (chunk: Buffer) => {
    for (const message of reader.read(chunk)) {
      const database = refused.size > 0 ? commandDatabase(message) : undefined;
      if (database !== undefined && refused.has(database)) client.write(refusalOf(message, database));
      else if (!server.write(message)) client.pause();
    }
  });
  server.on('drain', () => client.resume());
  server.pipe(client);
});
relay.listen(0, '127.0.0.1', () => {
  parentPort?.postMessage((relay.address() as AddressInfo).port);
});
