import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { ProxyOrder } from './mongo-proxy-worker.ts';

/** A relay before a MongoDB-compatible server that refuses commands for chosen databases. */
export interface MongoProxy {
  /** Connection string of the relay. */
  readonly uri: string;
  /** From now on answers every command for this database with error 13, Unauthorized. */
  refuse(database: string): void;
  /** Lets commands for this database through again. */
  allow(database: string): void;
  close(): Promise<void>;
}

/** Starts a relay on loopback, in a separate thread, so that its traffic does not affect measurements here. */
export async function startMongoProxy(target: string): Promise<MongoProxy> {
  const { port } = new URL(target);
  const worker = new Worker(new URL('./mongo-proxy-worker.ts', import.meta.url), {
    workerData: { target: Number(port) },
  });
  worker.unref();
  const [listening] = (await once(worker, 'message')) as [number];
  const tell = (order: ProxyOrder) => worker.postMessage(order);
  return {
    // The server names its own address to clients that look for a replica set.
    uri: `mongodb://127.0.0.1:${listening}/?directConnection=true`,
    refuse: (database) => tell({ database, refused: true }),
    allow: (database) => tell({ database, refused: false }),
    async close() {
      await worker.terminate();
    },
  };
}
